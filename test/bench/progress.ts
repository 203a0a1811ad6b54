// Progress on stderr: one line that changes on a terminal, a line every few seconds elsewhere.
import type { WriteStream } from 'node:tty'

const everyMs = 5_000

export type Progress = { show(text: string): void; clear(): void }

export function progressLine(stream: WriteStream): Progress {
  if (stream.isTTY) {
    return {
      show: (text) => stream.write(`\r\x1b[K${text}`),
      clear: () => stream.write('\r\x1b[K'),
    }
  }
  let last = -everyMs
  return {
    show(text) {
      const now = performance.now()
      if (now - last < everyMs) return
      last = now
      stream.write(`${text}\n`)
    },
    clear: () => undefined,
  }
}
