// GET /metrics: the host's metrics in the text format of Prometheus.
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { ApiContext } from './api-context.ts'
import { partParser } from './request-validation.ts'

export const metricsPath = '/metrics'

export function registerMetrics(app: FastifyInstance, { metrics }: Pick<ApiContext, 'metrics'>): void {
  const refuseQuery = partParser(
    'read the metrics',
    Type.Object({}, { additionalProperties: false }),
    'query',
  )
  app.get(metricsPath, async (request, reply) => {
    refuseQuery(request.query)
    const { contentType, text } = await metrics()
    return reply.type(contentType).send(text)
  })
}
