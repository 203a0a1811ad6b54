// The least that a call can cost: one line of JSON each way, read and answered without a look at it.
import { createServer, type Socket } from 'node:net'
import { serve } from './serve.ts'

function answerLines(socket: Socket): void {
  let rest = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const { id } = JSON.parse(line)
      socket.write(`${JSON.stringify({ id, result: {} })}\n`)
    }
  })
}

serve(createServer(answerLines))
