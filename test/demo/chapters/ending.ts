// Everything goes, and nothing is left.
import type { ConetdProcess } from '../../support/conetd-process.ts'
import { eventually } from '../../support/eventually.ts'
import { differences, type Inventory, takeInventory } from '../leftovers.ts'
import type { Scene } from '../scene.ts'
import { statusView, usedAddresses } from '../views.ts'

type Everything = { handles: readonly string[]; networks: readonly string[] }

export async function deleteEverything(scene: Scene, { handles, networks }: Everything): Promise<void> {
  scene.chapter('Delete everything')
  for (const handle of handles) {
    await scene.type(`conet container down ${handle}`)
    await scene.type(`runc delete --force ${handle}`)
  }
  await scene.type(`conet container rm ${handles.join(' ')}`)
  for (const network of networks) {
    const used = await usedAddresses(scene, network)
    scene.equal(`no address of ${network} is held`, { expected: 0, found: used })
  }
  await scene.type(`conet net rm ${networks.join(' ')}`)
  const listed = await scene.type('conet net list --quiet')
  scene.equal('no network is left', { expected: '', found: listed })
  const { networks: left, containers, endpoints, pending_deletions } = (await statusView(scene)).counts
  scene.equal('conetd holds nothing, and waits for nothing', {
    expected: [0, 0, 0, 0],
    found: [left, containers, endpoints, pending_deletions],
  })
}

export async function proveNothingIsLeft(
  scene: Scene,
  { conetd, before }: { conetd: ConetdProcess; before: Inventory },
): Promise<void> {
  scene.chapter('Nothing is left')
  await scene.type('conet driver stop bridge null')
  await scene.act(`kill ${conetd.pid}`, () => conetd.stop())
  // A process is in the list until the kernel has taken it apart.
  const left = await eventually(
    () => {
      const found = differences(before, takeInventory())
      if (found.length > 0) throw new Error(found.join('\n'))
      return found
    },
    { timeoutMs: 3_000, everyMs: 50 },
  ).catch((error: Error) => error.message.split('\n'))
  scene.equal(`as before: ${Object.keys(before).join(', ')}`, { expected: [], found: left })
}
