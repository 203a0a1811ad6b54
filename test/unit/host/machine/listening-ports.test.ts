import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { portsIn, readListeningPorts } from '@conet/host/machine/listening-ports'
import { expect, it } from 'vitest'

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

it('sockets of this machine are found, TCP and UDP', async () => {
  const server = createServer()
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const address = server.address()
  const tcp = typeof address === 'object' ? address?.port : undefined
  const found = await readListeningPorts()
  expect(found).toContainEqual({ protocol: 'tcp', port: tcp, address: '127.0.0.1' })
  expect(found).toContainEqual({ protocol: 'udp', port: socket.address().port, address: '127.0.0.1' })
  await new Promise((resolve) => server.close(resolve))
  socket.close()
})
