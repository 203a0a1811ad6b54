// Drivers whose socket, or whose life, is not as it should be.
import { existsSync } from 'node:fs'
import type { Behaviour } from '../behaviour.ts'
import type { Session } from '../session.ts'
import { type Mutation, method, parts } from './mutation.ts'

export const socketMutations: readonly Mutation[] = [
  {
    name: 'openToAll',
    does: 'lets everybody write to its socket',
    fails: ['socket.private'],
    hostLogs: /is not used/,
    change: parts(() => ({ socketMode: 0o666 })),
  },
  {
    name: 'oneAtATime',
    does: 'serves no connection while another is open',
    fails: [
      'socket.second-connection',
      'socket.silent-connection',
      'framing.deep-nesting',
      'handshake.instance',
    ],
    spoils: [
      'calls.same-at-once',
      'drain.ended-by-sync',
      'model.objects',
      'model.plugs',
      'transcript.answered',
    ],
    change: parts(({ admit, answer }) => ({
      admit,
      answer: (session, request, outcome) => {
        const [first] = session.driver.sessions
        if (first === session) answer(session, request, outcome)
      },
    })),
  },
  {
    name: 'hangsUpOnTheFirst',
    does: 'ends older connections when a new one comes',
    fails: ['socket.second-connection', 'handshake.instance', 'transcript.answered'],
    spoils: ['calls.same-at-once', 'drain.ended-by-sync'],
    change: parts(({ accepted }) => ({
      accepted: (session) => {
        for (const other of session.driver.sessions) if (other !== session) other.socket.destroy()
        accepted(session)
      },
    })),
  },
  {
    name: 'forgetsWithTheConnection',
    does: 'forgets the networks and endpoints that a connection has made when it ends',
    fails: ['socket.objects-outlive-connection'],
    spoils: ['framing.small-host', 'model.objects', 'model.plugs'],
    change: forgettingWithTheConnection,
  },
  {
    name: 'endsBadly',
    does: 'ends with code 1 on SIGTERM',
    where: 'program',
    fails: ['socket.sigterm'],
    change: parts(() => ({ terminate: (driver) => driver.end(1) })),
  },
  {
    name: 'leavesItsSocket',
    does: 'leaves its socket behind when it ends',
    where: 'program',
    fails: ['socket.removed-at-end'],
    change: parts(() => ({ terminate: async (driver) => driver.exit(0) })),
  },
  {
    name: 'stumblesOverItself',
    does: 'does not start where the socket of a dead driver is',
    where: 'program',
    fails: ['socket.replaces-stale'],
    // After the first SIGKILL there is nobody.
    spoils: [
      'framing.announced-memory',
      'handshake.new-instance',
      'handshake.rejection-logged',
      'model.restarts',
      'plug.own-namespace',
      'restart.delete',
      'restart.mid-plug',
      'restart.sync',
      'restart.unknown',
      'upgrade.replaced',
      'upgrade.standby',
      'upgrade.takes-over',
    ],
    change: parts(() => ({
      claim: async (path) => {
        if (existsSync(path)) throw new Error(`${path} is there`)
      },
    })),
  },
  {
    name: 'deepDown',
    does: 'has its socket where the path to it is longer than any address',
    where: 'deep directory',
    fails: ['socket.path'],
    change: (good) => good,
  },
]

/** What other connections have made stays: they may end late, while the next check is at work. */
function forgettingWithTheConnection(good: Behaviour): Behaviour {
  const makers = new Map<string, Session>()
  const noteNetwork = method('network/create', (create) => async (params, call) => {
    makers.set(params.network.id, call.session)
    return create(params, call)
  })
  const noteEndpoint = method('endpoint/create', (create) => async (params, call) => {
    makers.set(params.endpointId, call.session)
    return create(params, call)
  })
  const forget = parts(() => ({
    closed: (ended) => {
      for (const [id, session] of makers) {
        if (session !== ended) continue
        makers.delete(id)
        ended.driver.records.networks.delete(id)
        ended.driver.records.endpoints.delete(id)
      }
    },
  }))
  return forget(noteEndpoint(noteNetwork(good)))
}
