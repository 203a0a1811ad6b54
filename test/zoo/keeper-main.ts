// Shows broken drivers to a host: a process of its own, so that what they cost is not its parent's. The parent says which.
import { join } from 'node:path'
import { goodBehaviour } from './behaviour.ts'
import type { KeeperOrder } from './keeper.ts'
import { mutations } from './mutations/index.ts'
import { hostMutations } from './mutations/towards-hosts.ts'
import { ZooDriver } from './zoo-driver.ts'

const shown = new Map<string, ZooDriver>()
const all = [...mutations, ...hostMutations]

async function show({ directory, drivers }: Extract<KeeperOrder, { act: 'show' }>): Promise<void> {
  for (const { name, mutation } of drivers) {
    const found = all.find((one) => one.name === mutation)
    const good = goodBehaviour()
    const path = join(directory, `${name}.sock`)
    const variant = { ...found?.of, name }
    shown.set(name, await ZooDriver.listen({ path, variant, behaviour: found?.change(good) ?? good }))
  }
}

async function hide(names: readonly string[]): Promise<void> {
  for (const name of names) {
    await shown.get(name)?.close()
    shown.delete(name)
  }
}

process.on('message', (order: KeeperOrder) => {
  const done = order.act === 'show' ? show(order) : hide(order.names)
  void done.then(() => process.send?.('done'))
})
process.once('disconnect', () => process.exit())
