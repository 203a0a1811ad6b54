// The version of this package.
import { readFileSync } from 'node:fs'

/** As in host/package.json. */
export function readVersion(): string {
  const parsed: { version: string } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  )
  return parsed.version
}
