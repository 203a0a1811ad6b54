// The shape of a driver, checked where it is defined: authors in plain JavaScript have no compiler to tell them.
import { faultOfForm, forms } from '../fields/index.ts'
import type { Driver } from './driver.ts'
import { driverMembers } from './driver-calls.ts'

/** The grammar of semver.org, version 2.0.0; a host refuses other versions. */
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-z-][0-9a-z-]*)(\.(0|[1-9]\d*|\d*[a-z-][0-9a-z-]*))*)?(\+[0-9a-z-]+(\.[0-9a-z-]+)*)?$/i

/**
 * Gives a driver its type and checks its shape. Throws a TypeError that names all that is missing or wrong: call it
 * once, where the module is loaded.
 *
 *     export const driver = defineDriver({ name: 'wire', version: '1.0.0', async plug(params) { … }, … })
 */
export function defineDriver<T extends Driver>(driver: T): T {
  const faults = driverFaults(driver)
  if (faults.length > 0) throw new TypeError(`define driver "${driver.name}": ${faults.join('; ')}`)
  return driver
}

function driverFaults(driver: Driver): string[] {
  const { name, version, maxInFlight = 1 } = driver
  return [
    ...namedFault(name),
    ...(isText(version) && semver.test(version) ? [] : ['version is not of the form 1.2.3']),
    ...(Number.isInteger(maxInFlight) && maxInFlight > 0 ? [] : ['maxInFlight is no whole number above 0']),
    ...memberFaults(driver),
  ]
}

/** The SDK stands in for the others. */
const required: readonly (keyof Driver)[] = ['plug', 'unplug']
const lifeMembers: readonly (keyof Driver)[] = ['start', 'activate', 'drain', 'stop']

/** Who makes something has to take it away. */
const pairs: readonly (readonly [make: keyof Driver, end: keyof Driver])[] = [
  ['createNetwork', 'deleteNetwork'],
  ['createEndpoint', 'deleteEndpoint'],
]

function memberFaults(driver: Driver): string[] {
  const isMissing = (member: keyof Driver) => driver[member] === undefined
  const given = [...driverMembers, ...lifeMembers].filter(
    (name) => !isMissing(name) || required.includes(name),
  )
  const alone = pairs.filter(([make, end]) => !isMissing(make) && isMissing(end))
  const hasNoAddresses = driver.ipam === 'driver' && isMissing('createEndpoint')
  return [
    ...given.filter((member) => typeof driver[member] !== 'function').map((name) => `${name} is no function`),
    ...alone.map(([make, end]) => `${make} without ${end}`),
    ...(hasNoAddresses ? ['ipam is driver, without createEndpoint'] : []),
    ...(driver.ports !== undefined && isMissing('policy') ? ['ports without policy'] : []),
  ]
}

function namedFault(name: unknown): string[] {
  const fault = faultOfForm(isText(name) ? name : '', forms.driverName)
  return fault === undefined ? [] : [`name ${fault}`]
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
