// Drivers as people read them.
import { basename } from 'node:path'
import type { DriverView } from '@conet/sdk/client'
import { facts, indented, table } from './table.ts'

export function driverTable(drivers: readonly DriverView[]): string {
  return table(
    ['DRIVER', 'STATE', 'ROLE', 'VERSION', 'VENDOR', 'PID', 'SOCKET', 'WHY'],
    drivers.map((driver) => [
      driver.name,
      driver.state,
      driver.role ?? '',
      driver.version ?? '',
      driver.vendor ?? '',
      driver.pid === undefined ? '' : String(driver.pid),
      driver.socket ?? '',
      whyText(driver),
    ]),
  )
}

/** The words by which `inspect` shows each: the name, or the socket where another driver has that name. */
export function namesForInspect(drivers: readonly DriverView[]): string[] {
  return drivers.map(({ name, role, socket }) => {
    const isShared = drivers.some((other) => other.name === name && other.socket !== socket)
    return isShared && role !== 'active' && socket !== undefined ? basename(socket) : name
  })
}

/** What once went wrong with a driver that works is for inspect. */
function whyText({ state, role, last_error: error, probe }: DriverView): string {
  if (state === 'ready' && probe?.healthy === false) return probe.error ?? 'its probe found it not healthy'
  return state === 'ready' || role === 'standby' ? '' : (error?.message ?? '')
}

export function driverPage(driver: DriverView): string {
  const parts = [identityFacts(driver), methodTable(driver), callTable(driver)]
  return `driver ${driver.name}\n${parts.join('')}`
}

function identityFacts(driver: DriverView): string {
  const { capabilities, limits } = driver
  return facts([
    ['state', `${driver.state} since ${driver.since}`],
    ['role', driver.role],
    ['attempts', String(driver.attempts)],
    ['next retry', driver.next_retry],
    ['last error', lastErrorText(driver)],
    ['try', driver.state === 'ready' ? undefined : driver.last_error?.help],
    ['readiness', readinessText(driver)],
    ['probe', probeText(driver)],
    ['version', driver.version],
    ['vendor', driver.vendor],
    ['protocol', driver.protocol_version],
    ['instance', driver.instance_id],
    ['socket', driver.socket],
    ['pid', driver.pid === undefined ? 'none that conetd started' : String(driver.pid)],
    ['scope', capabilities?.scope],
    ['addresses', capabilities && (capabilities.ipam === 'driver' ? 'by the driver' : 'by conetd')],
    ['interfaces', capabilities?.sandbox === 'private' ? 'one a container' : undefined],
    ['hot upgrade', capabilities && (capabilities.hotUpgrade === true ? 'yes' : 'no')],
    ['methods', capabilities?.methods.join(' ')],
    ['limits', limitsText(limits)],
    ['config', schemaText(driver.config_schema)],
    ['attachment', schemaText(driver.attachment_schema)],
    ['policy', schemaText(driver.policy_schema)],
    ['in flight', inFlightText(driver)],
    ['violations', driver.violations.map(({ kind, count }) => `${kind} ${count}`).join(', ') || undefined],
  ])
}

function methodTable({ methods }: DriverView): string {
  if (methods.length === 0) return ''
  const rows = methods.map(({ method, count, failed, p50_ms: p50, p99_ms: p99 }) => [
    method,
    String(count),
    String(failed),
    p50 === undefined ? '' : `${p50} ms`,
    p99 === undefined ? '' : `${p99} ms`,
  ])
  return `\n${indented(table(['METHOD', 'CALLS', 'FAILED', 'P50', 'P99'], rows))}`
}

function callTable({ calls_in_flight: calls }: DriverView): string {
  if (calls.length === 0) return ''
  const rows = calls.map(({ method, operation_id, attempt, since, progress }) => [
    method,
    operation_id,
    String(attempt),
    since,
    progress === undefined ? '' : `${percentageText(progress.percentage)}${progress.message}`,
  ])
  return `\n${indented(table(['CALL', 'OPERATION', 'ATTEMPT', 'SINCE', 'PROGRESS'], rows))}`
}

/** How long each takes is in the table of methods. */
function inFlightText({ calls_in_flight: { length } }: DriverView): string {
  return length === 0 ? 'no calls' : `${length} call${length === 1 ? '' : 's'}`
}

function percentageText(percentage: number | undefined): string {
  return percentage === undefined ? '' : `${percentage} % `
}

function lastErrorText({ last_error: error }: DriverView): string | undefined {
  return error && `${error.message} (${error.kind}, ${error.at})`
}

function readinessText({ readiness }: DriverView): string | undefined {
  if (readiness === undefined) return undefined
  const why = readiness.reason === undefined ? '' : `: ${readiness.reason}`
  return `${readiness.ready ? 'ready' : 'not ready'}${why}`
}

function probeText({ probe }: DriverView): string | undefined {
  if (probe === undefined) return undefined
  const failed = probe.checks.filter(({ ok }) => !ok)
  const reasons = failed.map(({ name, message }) => (message === undefined ? name : `${name} (${message})`))
  if (probe.error !== undefined) reasons.push(probe.error)
  const what = probe.healthy ? `healthy, ${probe.checks.length} checks` : 'not healthy'
  return `${what}${reasons.length === 0 ? '' : `: ${reasons.join(', ')}`} (${probe.at})`
}

function limitsText(limits: DriverView['limits']): string | undefined {
  if (limits === undefined) return undefined
  const most = limits.max_in_flight === undefined ? '' : `, ${limits.max_in_flight} calls at once`
  return `${limits.max_message_bytes} bytes a message${most}`
}

/** The names of a document's members; `--json` has the whole schema. */
function schemaText(schema: Readonly<Record<string, unknown>> | undefined): string | undefined {
  if (schema === undefined) return undefined
  const { properties } = schema
  if (typeof properties !== 'object' || properties === null) return 'a schema (see --json)'
  return Object.keys(properties).join(' ') || 'no members'
}
