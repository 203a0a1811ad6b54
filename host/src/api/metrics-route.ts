// GET /metrics: the host's metrics in the text format of Prometheus.
import type { FastifyInstance } from 'fastify'
import type { ApiContext } from './api-context.ts'

export const metricsPath = '/metrics'

export function registerMetrics(app: FastifyInstance, { metrics }: Pick<ApiContext, 'metrics'>): void {
  app.get(metricsPath, async (_request, reply) => {
    const { contentType, text } = await metrics()
    return reply.type(contentType).send(text)
  })
}
