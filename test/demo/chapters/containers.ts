// Containers are created, plugged, started and looked at.
import { setTimeout as sleep } from 'node:timers/promises'
import { macOf, readInterfaces, type ShownInterface } from '../interface-page.ts'
import type { Scene } from '../scene.ts'
import { containerView } from '../views.ts'

const endpointId = /^([0-9a-f]{64})\n$/

export async function createContainers(scene: Scene, handles: readonly string[]): Promise<void> {
  scene.chapter('Two containers, created and not started')
  for (const handle of handles) {
    await scene.type(`runc create --bundle ${handle} --pid-file ${handle}.pid ${handle}`)
    const printed = await scene.type(`conet container create ${handle}`)
    scene.equal('it prints the handle', { expected: `${handle}\n`, found: printed })
  }
}

export async function plugBeforeStart(scene: Scene, handle: string, network: string): Promise<void> {
  await plug(scene, handle, network)
  const { endpoints } = await containerView(scene, handle)
  const states = endpoints.map(({ state }) => state)
  scene.equal('the endpoint waits for the container to start', { expected: ['created'], found: states })
}

/** Answers the endpoint's id. */
export async function plug(scene: Scene, handle: string, network: string): Promise<string> {
  const printed = await scene.type(`conet net plug ${handle} ${network}`)
  const what = "it prints the endpoint's id of 64 digits, and nothing else"
  const [, id = ''] = scene.match(what, { expected: endpointId, found: printed })
  return id
}

export async function startContainer(scene: Scene, handle: string): Promise<void> {
  const path = await scene.type(`conet container up ${handle} --pid $(cat ${handle}.pid)`)
  scene.match('it prints where the sandbox is', { expected: /^\/\S+\n$/, found: path })
  await scene.type(`runc start ${handle}`)
}

/** Looks into the container: an interface as it should be. */
export async function lookAt(scene: Scene, handle: string, name: string): Promise<ShownInterface> {
  const interfaces = readInterfaces(await scene.type(`runc exec ${handle} ifconfig -a`))
  const shown = interfaces.get(name)
  const lo = interfaces.get('lo')
  scene.check({
    what: 'lo is up, with 127.0.0.1',
    expected: 'UP, 127.0.0.1',
    found: JSON.stringify(lo),
    holds: lo?.flags.includes('UP') === true && lo.address === '127.0.0.1',
  })
  if (shown === undefined)
    throw new Error(`${name} is missing in ${handle}: ${[...interfaces.keys()].join(', ')}`)
  checkInterface(scene, shown)
  return shown
}

function checkInterface(scene: Scene, shown: ShownInterface): void {
  const { name, address = '', mask, mtu, macAddress, linkLocal, flags } = shown
  scene.check({
    what: `${name} is up and running`,
    expected: 'UP … RUNNING',
    found: flags.join(' '),
    holds: flags.includes('UP') && flags.includes('RUNNING'),
  })
  scene.match(`${name} has an address of the pool`, { expected: /^10\.\d+\.\d+\.\d+$/, found: address })
  const facts = { mask, mtu, macAddress, hasLinkLocal: linkLocal !== undefined }
  const expected = { mask: '255.255.0.0', mtu: 1500, macAddress: macOf(address), hasLinkLocal: true }
  scene.equal(`${name}: mask /16, MTU 1500, a MAC address made of the address, a link-local address`, {
    expected,
    found: facts,
  })
}

/** `source`: the interface that it goes out of. */
export async function ping(scene: Scene, handle: string, address: string, source?: string): Promise<void> {
  const from = source === undefined ? '' : `-I ${source} `
  const output = await scene.type(`runc exec ${handle} ping -c 3 -i 0.1 -W 2 ${from}${address}`)
  scene.match('no packet is lost', {
    expected: /3 packets transmitted, 3 packets received, 0% packet loss/,
    found: output,
  })
}

/** The interface is gone within a second. */
export async function checkUnplugged(scene: Scene, handle: string, name: string): Promise<void> {
  const interfaces = readInterfaces(await scene.type(`runc exec ${handle} ifconfig -a`))
  scene.equal(`${name} is gone, the others stay`, {
    expected: ['eth0', 'lo'],
    found: [...interfaces.keys()].sort(),
  })
}

export async function pause(scene: Scene, ms: number): Promise<void> {
  await sleep(ms, undefined, { signal: scene.signal })
}
