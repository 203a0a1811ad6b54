// The socket itself: whose it is, whom it serves, and what happens to it when the driver ends.
import { lstatSync } from 'node:fs'
import type { ActiveCheck } from './check.ts'
import { expect, Violation } from './verdicts.ts'

const mostPathBytes = 107

export const socketChecks: readonly ActiveCheck[] = [
  {
    id: 'socket.path',
    title: 'the path of the socket has at most 107 bytes',
    level: 'core',
    rules: ['SOCK-1'],
    sends: 'nothing: it measures the path',
    why: 'Linux takes no longer path for a UNIX socket: nobody could connect.',
    mend: 'Choose a shorter directory or name.',
    async run({ target }) {
      const bytes = Buffer.byteLength(target.socketPath)
      expect(bytes <= mostPathBytes, 'the path is too long', { expected: mostPathBytes, found: bytes })
    },
  },
  {
    id: 'socket.private',
    title: 'the socket is a socket, and others may not write to it',
    level: 'core',
    rules: ['SOCK-3'],
    sends: 'nothing: it looks at the file',
    why: 'Whoever can write to the socket can change the networks of the machine. The host does not dial such a socket.',
    mend: 'Narrow the umask to 0177 while the socket is bound, so that it has mode 0600 from the first moment.',
    async run({ target }) {
      const stats = lstatSync(target.socketPath)
      expect(stats.isSocket(), 'what is at the path is no socket')
      const mode = (stats.mode & 0o777).toString(8).padStart(4, '0')
      expect((stats.mode & 0o002) === 0, 'others may write to the socket', { expected: '0600', found: mode })
    },
  },
  {
    id: 'socket.second-connection',
    title: 'a new connection is served while an older one is open and idle',
    level: 'core',
    rules: ['SOCK-6'],
    sends: 'a handshake and a ping on a second connection, while the first is open; then a ping on the first',
    why: 'When a host dies without closing its connection, the next host must get in.',
    mend: 'Accept connections all the time; do not serve one to its end before the next.',
    async run(kit) {
      using first = await kit.connect()
      await kit.expectServed('a first connection that stays open')
      await first.call('driver/ping', {})
    },
  },
  {
    id: 'socket.silent-connection',
    title: 'a connection that says nothing delays no other',
    level: 'core',
    rules: ['SOCK-6'],
    sends: 'nothing on one connection, a handshake and a ping on another',
    why: 'A peer that connects and never speaks must not keep the host out.',
    mend: 'Read each connection on its own; never wait for the first message of one before accepting another.',
    async run(kit) {
      await kit.dial()
      await kit.expectServed('a connection that says nothing')
    },
  },
  {
    id: 'socket.disconnect',
    title: 'the driver goes on after connections end at any point of the handshake',
    level: 'core',
    rules: ['SOCK-7', 'RPC-11'],
    sends: 'three connections that end: before a word, right behind initialize, right behind network/list',
    why: 'Hosts restart at any moment; the driver must be there for the next one.',
    mend: 'Treat the end of a connection as usual: catch write errors (EPIPE, ECONNRESET), keep listening.',
    async run(kit) {
      const halfway = await kit.dial()
      halfway.close()
      const impatient = await kit.dial()
      impatient.send(kit.initializeMessage())
      impatient.close()
      const done = await kit.connect()
      done.start('network/list', {})
      done.close()
      await kit.expectServed('connections that ended early')
    },
  },
  {
    id: 'socket.objects-outlive-connection',
    title: 'networks and endpoints stay when the connection ends',
    level: 'core',
    rules: ['SOCK-7'],
    sends: 'a network and an endpoint; the connection ends; both lists on the next one',
    why: 'The host may restart while containers run; their networks must not notice.',
    mend: 'Keep what exists by id for the life of the driver, never by connection.',
    async run(kit) {
      const first = await kit.connect()
      const network = await kit.createNetwork(first)
      const { endpointId } = await kit.createEndpoint(first, network)
      first.close()
      using second = await kit.connect()
      const { networkIds } = await second.call('network/list', {})
      expect(networkIds.includes(network.id), 'the network is gone', {
        expected: network.id,
        found: networkIds,
      })
      const { endpoints } = await second.call('endpoint/list', {})
      const isThere = endpoints.some((endpoint) => endpoint.endpointId === endpointId)
      expect(isThere, 'the endpoint is gone', { expected: endpointId, found: endpoints })
    },
  },
  {
    id: 'socket.sigterm',
    title: 'SIGTERM ends the driver with exit code 0',
    level: 'resilient',
    severity: 'should',
    rules: ['SOCK-8'],
    sends: 'a ping, then SIGTERM to the process',
    needs: ['command'],
    why: 'Service managers end drivers with SIGTERM, and take another exit code for a crash.',
    mend: 'Handle SIGTERM: stop listening, let calls end, exit with 0.',
    async run(kit) {
      const { process } = kit
      using host = await kit.connect()
      await host.call('driver/ping', {})
      const outcome = await process.end('SIGTERM')
      await process.restart()
      expect(outcome === 0, 'the driver did not end well', { expected: 0, found: outcome })
    },
  },
  {
    id: 'socket.removed-at-end',
    title: 'at its end the driver removes its socket',
    level: 'resilient',
    rules: ['SOCK-5'],
    sends: 'SIGTERM to the process, then it looks whether the file is there',
    needs: ['command'],
    why: 'A socket that nobody listens on looks like a driver that is ill.',
    mend: 'Unlink the socket on the way out, if it is still your own file.',
    async run(kit) {
      const { process, target } = kit
      await kit.expectServed('a start')
      await process.end('SIGTERM')
      const isThere = lstatSync(target.socketPath, { throwIfNoEntry: false }) !== undefined
      await process.restart()
      expect(!isThere, 'the socket is still there after SIGTERM')
    },
  },
  {
    id: 'socket.replaces-stale',
    title: 'a driver that was killed starts again at the same path',
    level: 'resilient',
    rules: ['SOCK-4'],
    sends: 'SIGKILL to the process, then the command again with the same path',
    needs: ['command'],
    why: 'After a crash the socket file is left; a driver that stumbles over it stays down until somebody comes.',
    mend: 'At the start connect to the path: if nobody answers, remove the file and bind.',
    async run(kit) {
      const { process } = kit
      await process.end('SIGKILL')
      try {
        await process.restart()
      } catch (error) {
        throw new Violation(error instanceof Error ? error.message : String(error))
      }
      await kit.expectServed('SIGKILL and a new start')
    },
  },
]
