// A server as the documentation of vscode-jsonrpc has it: its own reader and writer, nothing of ours.
import { createServer } from 'node:net'
import { createMessageConnection, SocketMessageReader, SocketMessageWriter } from 'vscode-jsonrpc/node'
import { serve } from './serve.ts'

serve(
  createServer((socket) => {
    const connection = createMessageConnection(
      new SocketMessageReader(socket),
      new SocketMessageWriter(socket),
    )
    connection.onRequest('endpoint/unplug', () => ({}))
    connection.listen()
  }),
)
