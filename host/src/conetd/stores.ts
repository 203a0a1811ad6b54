// The two stores of the host: what outlives a reboot, and what ends with the kernel that it describes.
import { join } from 'node:path'
import type { Logger } from 'pino'
import { type QuarantinedRecord, Store } from '../store/index.ts'
import { forgetFormerBoot } from './former-boot.ts'
import { runRooms } from './run-rooms.ts'
import type { Settings } from './settings.ts'

export type Stores = AsyncDisposable & { readonly durable: Store; readonly volatile: Store }

const schema = { version: 1 }

export async function openStores({ stateDir, runDir }: Settings, log: Logger): Promise<Stores> {
  const onQuarantine = ({ table, key, reason }: QuarantinedRecord) =>
    log.error({ table, key, reason }, 'a record cannot be read and was set aside')
  const durable = await Store.open({
    path: join(stateDir, 'state.lmdb'),
    durable: true,
    schema,
    onQuarantine,
  })
  try {
    const directory = join(runDir, runRooms.store)
    forgetFormerBoot(directory)
    const path = join(directory, 'volatile.lmdb')
    const volatile = await Store.open({ path, durable: false, schema, onQuarantine })
    return { durable, volatile, [Symbol.asyncDispose]: () => closeBoth(durable, volatile) }
  } catch (error) {
    await durable.close()
    throw error
  }
}

async function closeBoth(durable: Store, volatile: Store): Promise<void> {
  try {
    await volatile.close()
  } finally {
    await durable.close()
  }
}
