// Which versions of drivers the configuration takes: checked when it is read, so that a slip is no surprise later.
import { ConetError } from '@conet/sdk'
import semver from 'semver'
import { isVersion, type VersionRule, type VersionRules } from '../drivers/index.ts'
import type { ConfigFile } from './config-schema.ts'

/** Throws `invalidArgument` that names the field. */
export function parseVersionRules(drivers: ConfigFile['drivers'] = {}): VersionRules {
  return new Map(Object.entries(drivers).map(([name, rule]) => [name, parseRule(rule, `drivers.${name}`)]))
}

function parseRule(
  { minimum_version: minimumVersion, known_bad: knownBad }: NonNullable<ConfigFile['drivers']>[string],
  path: string,
): VersionRule {
  if (minimumVersion !== undefined && !isVersion(minimumVersion))
    throw wrong(`${path}.minimum_version`, 'is no version as of semver.org (1.2.3)')
  for (const [index, range] of (knownBad ?? []).entries()) {
    // A blank one would be every version.
    if (range.trim() === '' || semver.validRange(range) === null)
      throw wrong(`${path}.known_bad[${index}]`, 'is no range of versions (">=1.2.0 <1.2.4")')
  }
  return {
    ...(minimumVersion !== undefined && { minimumVersion }),
    ...(knownBad !== undefined && { knownBad }),
  }
}

function wrong(path: string, message: string): ConetError {
  return new ConetError('invalidArgument', `configuration: ${path} ${message}`, {
    fields: [{ path, message }],
  })
}
