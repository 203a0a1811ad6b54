// In a container. `reacher-main.js echo PORT` sends back what comes; `reacher-main.js ask PORT` is told an address on a line,
// and says on a line when that has answered for the first time. No ping, which would take longer to start than the answer does.
import { createSocket } from 'node:dgram'
import { createInterface } from 'node:readline'

const [mode, portText] = process.argv.slice(2)
const port = Number(portText)
const everyMs = 1

if (mode === 'echo') {
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => socket.send(message, from.port, from.address))
  socket.bind(port, () => process.stdout.write('ready\n'))
} else {
  createInterface({ input: process.stdin }).on('line', ask)
  process.stdout.write('ready\n')
}

function ask(address: string): void {
  const socket = createSocket('udp4')
  const send = () => socket.send('here', port, address)
  const again = setInterval(send, everyMs)
  send()
  socket.once('message', () => {
    clearInterval(again)
    socket.close()
    process.stdout.write('reached\n')
  })
}
