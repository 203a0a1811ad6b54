// Bytes without end, for as long as the connection stands.
import type { Session } from '../session.ts'

const chunkBytes = 64 * 1024

/** As fast as the other side takes them. */
export function pour({ socket }: Session, bytes: Buffer): void {
  const chunk = Buffer.concat(Array(Math.ceil(chunkBytes / bytes.length)).fill(bytes))
  // Not from within the callback: what else this process has to do gets its turn.
  const more = () => void (socket.writable && socket.write(chunk, () => setImmediate(more)))
  more()
}

/** One byte of it every so often, over and over. */
export function endlessly({ socket }: Session, text: string, everyMs: number): void {
  let next = 0
  const timer = setInterval(() => void socket.write(text[next++ % text.length] ?? ''), everyMs)
  socket.once('close', () => clearInterval(timer))
}
