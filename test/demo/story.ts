// The story: two containers, two networks, from the first command to the proof that nothing is left.
import type { Rollback } from '@conet/sdk'
import type { ConetdProcess } from '../support/conetd-process.ts'
import { makeBundle, makeRootFileSystem } from './bundle.ts'
import {
  checkUnplugged,
  createContainers,
  lookAt,
  pause,
  ping,
  plug,
  plugBeforeStart,
  startContainer,
} from './chapters/containers.ts'
import { deleteEverything, proveNothingIsLeft } from './chapters/ending.ts'
import { restartHost, startHost } from './chapters/host.ts'
import { inspectBothWays } from './chapters/inspect.ts'
import { createNetwork, createSecondNetwork } from './chapters/networks.ts'
import { type Inventory, takeInventory } from './leftovers.ts'
import { RunningPing } from './running-ping.ts'
import type { Scene } from './scene.ts'
import { usedAddresses } from './views.ts'

const [web, db] = ['web', 'db']
const handles = [web, db]
const second = 'storage'

export type Stage = {
  readonly scene: Scene
  readonly conetd: ConetdProcess
  readonly environment: NodeJS.ProcessEnv
  /** Steps that clean up, also when the story ends early. */
  readonly undo: Rollback
}

export async function tellStory({ scene, conetd, environment, undo }: Stage): Promise<void> {
  const root = makeRootFileSystem(scene.directory)
  for (const name of handles) makeBundle(scene.directory, { name, root })
  const before: Inventory = takeInventory()
  undo.defer('stop conetd and its drivers', () => conetd[Symbol.asyncDispose]())
  await startHost(scene, conetd)
  const first = await createNetwork(scene)
  undo.defer('delete the containers', async () => {
    for (const handle of handles) await scene.ask(`runc delete --force ${handle}`)
  })
  await createContainers(scene, handles)

  scene.chapter('Plugged before they start, by the name of the network')
  for (const handle of handles) await plugBeforeStart(scene, handle, first.name)
  scene.chapter('Started')
  for (const handle of handles) await startContainer(scene, handle)
  const { address: webAddress = '' } = await lookAt(scene, web, 'eth0')

  scene.chapter('One reaches the other by its address')
  await ping(scene, db, webAddress)
  const command = ['runc', 'exec', db, 'ping', '-i', '0.05', webAddress] as const
  const running = await scene.act(`${command.join(' ')} &`, async () => {
    return new RunningPing([...command], { cwd: scene.directory, env: environment })
  })
  undo.defer('stop the running ping', () => running[Symbol.asyncDispose]())

  await createSecondNetwork(scene, second)
  const endpoint = await plug(scene, web, second)
  await plug(scene, db, second)
  const { address: secondAddress = '' } = await lookAt(scene, web, 'eth1')
  await ping(scene, db, secondAddress)
  await inspectBothWays(scene, { handle: web, networks: [first.name, second], handles })

  await restartHost(scene, conetd)
  await scene.type('conet container list')
  await ping(scene, db, secondAddress)

  scene.chapter('Unplugged from a running container, by container and endpoint')
  await scene.type(`conet net unplug ${web} ${endpoint}`)
  await checkUnplugged(scene, web, 'eth1')
  const used = await usedAddresses(scene, second)
  scene.equal('its address is free again', { expected: 1, found: used })

  scene.chapter('The running ping')
  await pause(scene, 200)
  await checkRunningPing(scene, running)
  await deleteEverything(scene, { handles, networks: [first.name, second] })
  await proveNothingIsLeft(scene, { conetd, before })
}

async function checkRunningPing(scene: Scene, running: RunningPing): Promise<void> {
  const { received, lost, silenceMs } = await scene.act('kill -INT %ping', () => running.stop())
  scene.equal(`${received} answers, from before the second network to now, none lost`, {
    expected: [],
    found: lost,
  })
  scene.check({
    what: 'it ran all the time',
    expected: 'many answers, the last one just now',
    found: `${received} answers, the last ${silenceMs.toFixed(0)} ms ago`,
    holds: received > 40 && silenceMs < 1_000,
  })
}
