// Drivers as people read them.
import type { DriverView } from '@conet/sdk/client'
import { facts, table } from './table.ts'

export function driverTable(drivers: readonly DriverView[]): string {
  return table(
    ['DRIVER', 'STATE', 'VERSION', 'VENDOR', 'PID', 'SOCKET', 'WHY'],
    drivers.map(({ name, state, version, vendor, pid, socket, last_error: error }) => [
      name,
      state,
      version ?? '',
      vendor ?? '',
      pid === undefined ? '' : String(pid),
      socket ?? '',
      // What once went wrong with a driver that works is for inspect.
      state === 'ready' ? '' : (error?.message ?? ''),
    ]),
  )
}

export function driverPage(driver: DriverView): string {
  return `driver ${driver.name}\n${facts([
    ['state', `${driver.state} since ${driver.since}`],
    ['last error', lastErrorText(driver)],
    ['version', driver.version],
    ['vendor', driver.vendor],
    ['protocol', driver.protocol_version],
    ['instance', driver.instance_id],
    ['socket', driver.socket],
    ['pid', driver.pid === undefined ? 'not started by conetd' : String(driver.pid)],
    ['scope', driver.capabilities?.scope],
    ['methods', driver.capabilities?.methods.join(' ')],
    ['config', schemaText(driver.config_schema)],
    ['attachment', schemaText(driver.attachment_schema)],
    ['policy', schemaText(driver.policy_schema)],
  ])}`
}

function lastErrorText({ last_error: error, attempts }: DriverView): string | undefined {
  if (error === undefined) return undefined
  return `${error.message} (${error.kind}, ${error.at}, attempt ${attempts})`
}

/** The names of a document's members; `--json` has the whole schema. */
function schemaText(schema: Readonly<Record<string, unknown>> | undefined): string | undefined {
  if (schema === undefined) return undefined
  const { properties } = schema
  if (typeof properties !== 'object' || properties === null) return 'a schema (see --json)'
  return Object.keys(properties).join(' ') || 'no members'
}
