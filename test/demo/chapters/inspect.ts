// The same facts from both ends: a container with its networks and interfaces, a network with its containers.
import type { Scene } from '../scene.ts'
import { containerView, networkView } from '../views.ts'

export async function inspectBothWays(
  scene: Scene,
  { handle, networks, handles }: { handle: string; networks: readonly string[]; handles: readonly string[] },
): Promise<void> {
  scene.chapter('Inspect: from the container to its networks, from the network to its containers')
  await scene.type(`conet container inspect ${handle}`)
  const container = await containerView(scene, handle)
  const found = container.endpoints.map(({ network_name, state, interfaces }) => ({
    network_name,
    state,
    interfaces: interfaces.map(({ name }) => name),
  }))
  const expected = networks.map((network_name, index) => ({
    network_name,
    state: 'plugged',
    interfaces: [`eth${index}`],
  }))
  scene.equal('the container shows its networks and interfaces, in order', { expected, found })
  for (const network of networks) {
    await scene.type(`conet net inspect ${network}`)
    const view = await networkView(scene, network)
    scene.equal(`${network} shows its containers`, {
      expected: [...handles].sort(),
      found: view.containers.toSorted(),
    })
    const endpoint = container.endpoints.find(({ network_name }) => network_name === network)
    scene.check({
      what: 'and the endpoint, by the same id',
      expected: endpoint?.id ?? 'an endpoint',
      found: view.endpoints.join(' '),
      holds: endpoint !== undefined && view.endpoints.includes(endpoint.id),
    })
  }
}
