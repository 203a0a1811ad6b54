// Which versions of drivers this host takes: its configuration names the oldest, and those that are known to be bad.
import { ConetError } from '@conet/sdk'
import semver from 'semver'

export type VersionRule = {
  /** The oldest version that is taken. */
  readonly minimumVersion?: string
  /** Ranges as npm writes them: `>=1.2.0 <1.2.4`. */
  readonly knownBad?: readonly string[]
}

/** By the driver's name; one without a rule may have any version. */
export type VersionRules = ReadonlyMap<string, VersionRule>

/** As of semver.org: the library also takes a `v` in front and spaces around. */
export function isVersion(text: string): boolean {
  return /^\d\S*$/.test(text) && semver.valid(text) !== null
}

/** Why a driver of that version is not taken; undefined if it is. A pre-release counts as older than its release. */
export function versionRefusal(
  rules: VersionRules,
  { name, version }: { readonly name: string; readonly version: string },
): ConetError | undefined {
  const { minimumVersion, knownBad = [] } = rules.get(name) ?? {}
  if (minimumVersion !== undefined && semver.lt(version, minimumVersion)) {
    return refused(name, version, `the configuration asks for ${minimumVersion} or newer`, { minimumVersion })
  }
  const range = knownBad.find((bad) => semver.satisfies(version, bad, { includePrerelease: true }))
  if (range === undefined) return undefined
  return refused(name, version, `the configuration calls ${range} known to be bad`, { knownBad: range })
}

function refused(name: string, version: string, why: string, rule: Record<string, string>): ConetError {
  return new ConetError('versionRefused', `driver "${name}" has version ${version}: ${why}`, {
    details: { driver: name, version, ...rule },
    help: `Install another version of the driver, or change drivers.${name} in the configuration of conetd and start conetd anew.`,
  })
}
