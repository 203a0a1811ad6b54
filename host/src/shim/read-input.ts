// The standard input as a whole. At once where that can be: streams take some milliseconds to load.
import { readFileSync } from 'node:fs'

export async function readInput(): Promise<Buffer> {
  try {
    return readFileSync(0)
  } catch (error) {
    // Somebody's end of a pipe that does not block, and nothing is in it yet.
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
    const chunks: Buffer[] = []
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk))
    return Buffer.concat(chunks)
  }
}
