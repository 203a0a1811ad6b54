// What the servers of the rivals have in common: the socket from the command line, and an end when it is wanted.
import type { Server } from 'node:net'

export function serve(server: Server): void {
  server.listen(process.argv[2])
  process.on('SIGTERM', () => process.exit(0))
}
