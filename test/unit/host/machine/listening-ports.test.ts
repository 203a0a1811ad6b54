import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { ListeningPorts } from '@conet/host/machine/listening-ports'
import { portsIn, readProcNetPorts } from '@conet/host/machine/proc-net-ports'
import { afterAll, describe, expect, it } from 'vitest'

const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0
 112: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   3: B80D01200000000000000000010000FF:0035 00000000000000000000000000000000:0000 0A 0 0
   4: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 0A 0 0
`

it('of the kernel’s table those that listen are read, with their addresses', () => {
  expect(portsIn(text, '0A')).toEqual([
    { port: 8080, address: '127.0.0.1' },
    { port: 22, address: undefined },
    { port: 53, address: '2001:db8::ff00:1' },
    { port: 80, address: '127.0.0.1' },
  ])
})

const both = new Set(['tcp', 'udp'])
const ports = new ListeningPorts()
afterAll(() => ports[Symbol.dispose]())

describe.each([
  ['as the kernel lists them', () => ports.read(both)],
  ['out of /proc', readProcNetPorts],
])('sockets of this machine, %s', (_, read) => {
  it('are found where they listen, TCP and UDP', async () => {
    await using tcp = await listening('127.0.0.1')
    await using mapped = await listening('::ffff:127.0.0.1')
    await using everywhere = await listening('::')
    await using udp = await bound('127.0.0.1')
    const found = await read()
    expect(found).toContainEqual({ protocol: 'tcp', port: tcp.port, address: '127.0.0.1' })
    expect(found).toContainEqual({ protocol: 'tcp', port: mapped.port, address: '127.0.0.1' })
    expect(found).toContainEqual({ protocol: 'tcp', port: everywhere.port, address: undefined })
    expect(found).toContainEqual({ protocol: 'udp', port: udp.port, address: '127.0.0.1' })
  })

  it('are left out where they are connected', async () => {
    await using server = await listening('127.0.0.1')
    const client = connect(server.port, '127.0.0.1')
    const socket = createSocket('udp4')
    socket.connect(9, '127.0.0.1')
    await Promise.all([once(client, 'connect'), once(socket, 'connect')])
    const found = (await read()).map(({ protocol, port }) => `${protocol} ${port}`)
    expect(found).toContain(`tcp ${server.port}`)
    expect(found).not.toContain(`tcp ${client.localPort}`)
    expect(found).not.toContain(`udp ${socket.address().port}`)
    client.destroy()
    socket.close()
  })
})

it('one that listens to IPv6 alone leaves the port of IPv4 to others', async () => {
  await using tcp = await listening('::', { ipv6Only: true })
  const found = await ports.read(both)
  expect(found.filter(({ port }) => port === tcp.port)).toEqual([
    { protocol: 'tcp', port: tcp.port, address: '::' },
  ])
})

it('only those of the protocols that are asked for are listed, with one socket however often', async () => {
  await using tcp = await listening('127.0.0.1')
  await using udp = await bound('127.0.0.1')
  using twice = new ListeningPorts()
  const before = await twice.read(new Set(['udp']))
  const fds = readdirSync('/proc/self/fd').length
  const found = await twice.read(new Set(['tcp']))
  expect(readdirSync('/proc/self/fd')).toHaveLength(fds)
  expect(before.map(({ port }) => port)).toContain(udp.port)
  expect(found.map(({ port }) => port)).toContain(tcp.port)
  expect([...new Set(before.map(({ protocol }) => protocol))]).toEqual(['udp'])
  expect([...new Set(found.map(({ protocol }) => protocol))]).toEqual(['tcp'])
})

async function listening(host: string, options = {}) {
  const server = createServer()
  server.listen({ port: 0, host, ...options })
  await once(server, 'listening')
  const place = server.address()
  const port = place !== null && typeof place === 'object' ? place.port : 0
  return { port, [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) }
}

async function bound(address: string) {
  const socket = createSocket('udp4')
  socket.bind(0, address)
  await once(socket, 'listening')
  return { port: socket.address().port, [Symbol.asyncDispose]: async () => void socket.close() }
}
