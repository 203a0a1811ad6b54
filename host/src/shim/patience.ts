// How long the answer of conetd is waited for: what the command line says, else the environment, else a minute.

/** Above the deadline of one call of a driver, so that it is conetd that says which driver is slow. */
export const defaultTimeoutMs = 60_000

/** Throws an Error whose message is for people. */
export function timeoutMsOf(option: string | undefined, environment: NodeJS.ProcessEnv): number {
  const said = option ?? (environment.CONET_TIMEOUT || undefined)
  if (said === undefined) return defaultTimeoutMs
  const seconds = /^\d+(\.\d+)?$/.test(said) ? Number(said) : 0
  if (seconds > 0 && seconds <= mostSeconds) return seconds * 1000
  const where = option === undefined ? 'CONET_TIMEOUT' : '--timeout'
  throw new Error(
    `${where} must be a number of seconds above 0 and at most ${mostSeconds}; found ${JSON.stringify(said)}`,
  )
}

/** A day. */
const mostSeconds = 86_400
