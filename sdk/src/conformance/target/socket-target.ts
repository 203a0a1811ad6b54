// A driver that is running already.
import { resolve } from 'node:path'
import type { Target } from './target.ts'

export function socketTarget(path: string): Target {
  const socketPath = resolve(path)
  return {
    socketPath,
    description: `socket ${socketPath}`,
    process: undefined,
    async [Symbol.asyncDispose]() {},
  }
}
