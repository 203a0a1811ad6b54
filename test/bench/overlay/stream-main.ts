// One TCP stream: `stream-main.js listen PORT` takes it, `stream-main.js send ADDRESS PORT SECONDS` sends for that long and
// prints how many bytes a second went.
import { connect, createServer } from 'node:net'

const [mode, ...rest] = process.argv.slice(2)

if (mode === 'listen') {
  const server = createServer((socket) => socket.resume().on('error', () => undefined))
  server.listen(Number(rest[0]), '0.0.0.0', () => process.stdout.write('ready\n'))
  process.stdin.resume().once('end', () => process.exit(0))
} else {
  const [address = '', port, seconds] = rest
  const piece = Buffer.alloc(256 * 1024)
  const socket = connect(Number(port), address, () => {
    const start = performance.now()
    const send = () => {
      for (;;) {
        if (performance.now() - start >= Number(seconds) * 1_000) return end(start)
        if (!socket.write(piece)) return void socket.once('drain', send)
      }
    }
    send()
  })
  const end = (start: number) => {
    const sent = socket.bytesWritten - socket.writableLength
    const taken = (performance.now() - start) / 1_000
    process.stdout.write(`${sent / taken}\n`, () => process.exit(0))
  }
}
