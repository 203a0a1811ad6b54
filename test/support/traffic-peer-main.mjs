// Runs inside a namespace: listens and connects as it is told, line by line, and answers each line.
import { createSocket } from 'node:dgram'
import { createConnection, createServer } from 'node:net'
import { createInterface } from 'node:readline'

const name = process.argv[2]
const kept = new Map()

/** Whoever comes is told who answers, and as whom the caller is seen. */
const greeting = (address) => `${name} sees ${address.replace('::ffff:', '')}`

const commands = {
  listen: ({ protocol, port }) =>
    new Promise((resolve, reject) => {
      if (protocol === 'tcp') {
        const server = createServer((socket) => {
          socket.on('error', () => undefined)
          socket.write(`${greeting(socket.remoteAddress)}\n`)
          socket.on('data', (data) => socket.write(data))
        })
        server.once('error', reject).listen(port, '::', () => resolve('listens'))
      } else {
        const socket = createSocket('udp6')
        socket.on('message', (_, from) => socket.send(greeting(from.address), from.port, from.address))
        socket.once('error', reject).bind(port, '::', () => resolve('listens'))
      }
    }),
  /** `keep`: the connection stays, under that name. */
  tcp: ({ address, port, timeoutMs, keep }) =>
    new Promise((resolve) => {
      const socket = createConnection({ host: address, port, timeout: timeoutMs })
      const end = (answer) => {
        if (keep === undefined || answer.startsWith('failed')) socket.destroy()
        else kept.set(keep, socket.setTimeout(0))
        resolve(answer)
      }
      socket.once('data', (data) => end(String(data).trim()))
      socket.once('timeout', () => end('failed: timeout'))
      socket.on('error', ({ code }) => end(`failed: ${code}`))
    }),
  /** Whether a kept connection still carries. */
  echo: ({ keep, timeoutMs }) =>
    new Promise((resolve) => {
      const socket = kept.get(keep)
      if (socket.destroyed) return resolve('failed: closed')
      const timer = setTimeout(() => resolve('failed: timeout'), timeoutMs)
      const end = (answer) => {
        clearTimeout(timer)
        resolve(answer)
      }
      socket.once('close', () => end('failed: closed'))
      socket.once('data', (data) => end(String(data)))
      socket.write('again')
    }),
  /** `from`: the same local port each time, so that it is the same flow. */
  udp: ({ address, port, timeoutMs, from = 0 }) =>
    new Promise((resolve) => {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
      const end = (answer) => {
        clearTimeout(timer)
        socket.close(() => resolve(answer))
      }
      const timer = setTimeout(() => end('failed: timeout'), timeoutMs)
      socket.once('message', (data) => end(String(data)))
      socket.on('error', ({ code }) => end(`failed: ${code}`))
      socket.bind(from, () => socket.connect(port, address, () => socket.send('hello')))
    }),
  /** Receives for so long, and tells how many bytes a second came after the first moment. */
  receive: ({ address, port, forMs }) =>
    new Promise((resolve) => {
      const socket = createConnection({ host: address, port })
      let bytes = 0
      let started = 0
      socket.on('data', (data) => {
        if (started === 0) {
          started = performance.now()
          setTimeout(() => {
            bytes = 0
            started = performance.now()
          }, forMs / 4)
          setTimeout(() => {
            socket.destroy()
            resolve(String((bytes * 1000) / (performance.now() - started)))
          }, forMs)
        }
        bytes += data.length
      })
      // As an aborted connection may end, too.
      socket.on('end', () => resolve('failed: ended'))
      socket.on('error', ({ code }) => resolve(`failed: ${code}`))
    }),
  /** Sends to whoever connects as fast as it goes. */
  flood: ({ port }) =>
    new Promise((resolve) => {
      const block = Buffer.alloc(64 * 1024)
      const server = createServer((socket) => {
        const send = () => {
          while (socket.writable && socket.write(block));
        }
        socket.on('error', () => undefined).on('drain', send)
        send()
      })
      server.listen(port, '::', () => resolve('listens'))
    }),
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, command, ...options } = JSON.parse(line)
  const answer = await commands[command](options).catch((error) => `failed: ${error.code ?? error}`)
  process.stdout.write(`${JSON.stringify({ id, answer })}\n`)
})
process.stdin.on('end', () => process.exit(0))
