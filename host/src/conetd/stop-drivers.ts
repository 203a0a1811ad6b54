// `conetd --stop-drivers`: ends the drivers that a conetd of this run directory started, whether it still runs or not.
import { ConetError } from '@conet/sdk'
import { ConetClient } from '@conet/sdk/client'
import { buildSupervisor } from './driver-room.ts'
import type { Settings } from './settings.ts'

/** A conetd that runs is asked, since it would start again what somebody else ended. */
export async function stopDrivers(settings: Settings, environment: NodeJS.ProcessEnv): Promise<void> {
  await using client = new ConetClient({ socketPath: settings.socket })
  if (await isServedBy(client, settings)) await askToStop(client)
  else await buildSupervisor(settings, environment).stopAll()
}

async function isServedBy(client: ConetClient, { runDir }: Settings): Promise<boolean> {
  try {
    return (await client.status()).run_dir === runDir
  } catch (error) {
    if (ConetError.is(error, 'hostUnavailable')) return false
    throw error
  }
}

async function askToStop(client: ConetClient): Promise<void> {
  const { drivers } = await client.listDrivers()
  const started = drivers.filter(({ pid }) => pid !== undefined)
  await Promise.all(started.map(({ name }) => client.stopDriver(name)))
}
