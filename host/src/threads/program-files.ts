// conetd's own program files, of which a few are read only when they are needed. An upgrade replaces them while conetd runs.
import { ConetError } from '@conet/sdk'

/** For what failed because a part of conetd could not be loaded. */
export function programUnavailable(what: string, cause: unknown): ConetError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new ConetError('programUnavailable', `${what}: a part of conetd cannot be loaded: ${why}`, {
    cause,
    help: 'if conet was upgraded or moved since conetd started: restart conetd; drivers and containers go on meanwhile',
  })
}
