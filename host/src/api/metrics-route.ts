// GET /metrics: the host's metrics in the text format of Prometheus.
import type { FastifyInstance } from 'fastify'
import type { ApiContext } from './api-context.ts'
import { noQuery } from './request-validation.ts'

export const metricsPath = '/metrics'

export function registerMetrics(app: FastifyInstance, { metrics }: Pick<ApiContext, 'metrics'>): void {
  const refuseQuery = noQuery('read the metrics')
  app.get(metricsPath, async (request, reply) => {
    refuseQuery(request.query)
    const { contentType, text } = await metrics()
    return reply.type(contentType).send(text)
  })
}
