// Networks are made and listed.
import type { Scene } from '../scene.ts'

export type Network = { readonly id: string; readonly name: string }

/** Without a name; the host makes one up. */
export async function createNetwork(scene: Scene): Promise<Network> {
  scene.chapter('A network, without a name')
  const printed = await scene.type('conet net create --driver bridge')
  const expected = /^([0-9a-f]{64})\n$/
  const [, id = ''] = scene.match('it prints the id of 64 digits, and nothing else', {
    expected,
    found: printed,
  })
  const shown = await scene.type('conet net list')
  const heading = /^NETWORK ID\s+NAME\s+DRIVER\s+LABELS\b/
  scene.match('the list has the columns', { expected: heading, found: shown })
  const row = new RegExp(`^${id.slice(0, 12)}\\s+([a-z]+_[a-z]+)\\s+bridge\\s+{}(\\s|$)`, 'm')
  const what = 'a short id, a name of two words, the driver and no labels'
  const [, name = ''] = scene.match(what, { expected: row, found: shown })
  return { id, name }
}

export async function createSecondNetwork(scene: Scene, name: string): Promise<void> {
  scene.chapter('A second network, plugged into running containers')
  await scene.type(`conet net create ${name} --driver bridge --label tier=back`)
  const shown = await scene.type('conet net list')
  const row = new RegExp(`^[0-9a-f]{12}\\s+${name}\\s+bridge\\s+{"tier":"back"}`, 'm')
  scene.match('the list has it with its label', { expected: row, found: shown })
}
