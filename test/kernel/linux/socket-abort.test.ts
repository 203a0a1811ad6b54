import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { abortConnections, type Connection, Namespace } from '@conet/sdk/linux'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { RouteSocket } from '../../../sdk/dist/linux/netlink/route-socket.js'
import { eventually } from '../../support/eventually.ts'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'
import { TrafficPeer } from '../../support/traffic-peer.ts'

let server: Server
let port: number
const opened: Socket[] = []

beforeEach(async () => {
  server = createServer((socket) => socket.on('error', () => undefined).resume())
  await once(server.listen(0, '::'), 'listening')
  port = (server.address() as AddressInfo).port
})

afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy()
  server.close()
  await once(server, 'close')
})

async function connected(host: string): Promise<Socket> {
  const socket = connect({ host, port }).on('error', () => undefined)
  await Promise.all([once(socket, 'connect'), once(server, 'connection')])
  opened.push(socket)
  return socket.resume()
}

const loopback = { 4: Uint8Array.of(127, 0, 0, 1), 6: Buffer.from(`${'00'.repeat(15)}01`, 'hex') }

function connection(family: 4 | 6, ports: Pick<Connection, 'sourcePort' | 'destinationPort'>): Connection {
  return { source: loopback[family], destination: loopback[family], ...ports }
}

const connections = () =>
  new Promise<number>((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )

describe('a connection that is aborted', () => {
  it.each([
    ['127.0.0.1', 4],
    ['::1', 6],
  ] as const)('ends at both ends, and no other: %s', async (host, family) => {
    const [one, other] = [await connected(host), await connected(host)]
    const closed = new Promise((resolve) => one.once('close', resolve))
    // As the server knows it, whose socket is one of IPv6 in both cases.
    const asked = connection(family, { sourcePort: port, destinationPort: one.localPort ?? 0 })
    expect(abortConnections([asked])).toBe(1)
    await closed
    await eventually(async () => expect(await connections()).toBe(1))
    expect(other.destroyed).toBe(false)
    expect(abortConnections([asked])).toBe(0)
  })

  it('is not the socket that listens where there is no connection', async () => {
    expect(abortConnections([connection(4, { sourcePort: port, destinationPort: 9 })])).toBe(0)
    expect(abortConnections([connection(6, { sourcePort: port, destinationPort: 9 })])).toBe(0)
    await connected('127.0.0.1')
  })

  it('is found in another namespace, in which nothing is done but to open a socket', async () => {
    using namespaces = new NamespaceFixture()
    const { path } = namespaces.make('there')
    namespaces.exec('there', 'ip link set lo up')
    using there = Namespace.open(path)
    await using peer = new TrafficPeer('there', path)
    await peer.listen('tcp', 80)
    await peer.tcp({ address: '127.0.0.1', port: 80, keep: 'it' })
    const [, from] = /127.0.0.1:(\d+)\s+127.0.0.1:80\s/.exec(namespaces.exec('there', 'ss -Htn')) ?? []
    const asked = connection(4, { sourcePort: Number(from), destinationPort: 80 })
    expect(abortConnections([asked])).toBe(0)
    const sent = vi.spyOn(RouteSocket.prototype, 'send').mockClear()
    const sentInside: number[] = []
    const place: Pick<Namespace, 'run'> = {
      run: (work) => {
        const result = there.run(work)
        sentInside.push(sent.mock.calls.length)
        return result
      },
    }
    expect(abortConnections([asked], place)).toBe(1)
    expect(sentInside).toEqual([0])
    expect(sent).toHaveBeenCalledTimes(2)
    sent.mockRestore()
    expect(await peer.echo('it')).toMatch(/^failed/)
  })
})
