// GET /events: reads where the client wants to start, and hands the connection to the event streams.
import type { IncomingHttpHeaders } from 'node:http'
import { faultOfForm, forms } from '@conet/sdk/forms'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { EventStreams } from './event-streams.ts'
import { partParser, wrongField } from './request-validation.ts'

export const eventsPath = '/events'

export const EventsQuery = Type.Object(
  { since: Type.Optional(Type.String({ pattern: forms.eventId.pattern })) },
  { additionalProperties: false },
)

const what = 'follow events'

export function registerEvents(app: FastifyInstance, streams: EventStreams): void {
  const parseQuery = partParser<Static<typeof EventsQuery>>(what, EventsQuery, 'query')
  app.route({
    method: 'GET',
    url: eventsPath,
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const query = parseQuery(request.query)
      const since = lastSeen(request.headers) ?? numberOf(query.since)
      streams.assertRoom()
      reply.hijack()
      streams.open(reply.raw, since)
    },
  })
  app.addHook('preClose', async () => streams.close())
}

/** What an EventSource sends when it comes back; it wins, since the query stays that of the first connection. */
function lastSeen(headers: IncomingHttpHeaders): number | undefined {
  const id = headers['last-event-id']
  if (id === undefined || id === '') return undefined
  const text = id.toString()
  const message = faultOfForm(text, forms.eventId)
  if (message === undefined) return Number(text)
  throw wrongField(what, { path: 'Last-Event-ID', message })
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}
