// A remote driver of Docker's: `POST /NetworkDriver.Leave` with a JSON body over HTTP on a UNIX socket, kept alive.
import { createServer } from 'node:http'
import { serve } from './serve.ts'

const type = 'application/vnd.docker.plugins.v1.1+json'

serve(
  createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      JSON.parse(Buffer.concat(chunks).toString('utf8'))
      const body = JSON.stringify({})
      response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body)
    })
  }),
)
