// What `conet … --json` says, for the checks.
import type { ContainerView, DriverView, NetworkView, StatusView } from '@conet/sdk/client'
import type { Scene } from './scene.ts'

export async function containerView(scene: Scene, handle: string): Promise<ContainerView> {
  const [view]: ContainerView[] = JSON.parse(await scene.ask(`conet container inspect ${handle} --json`))
  if (view === undefined) throw new Error(`conet shows no container ${handle}`)
  return view
}

export async function networkView(scene: Scene, network: string): Promise<NetworkView> {
  const [view]: NetworkView[] = JSON.parse(await scene.ask(`conet net inspect ${network} --json`))
  if (view === undefined) throw new Error(`conet shows no network ${network}`)
  return view
}

export async function driverViews(scene: Scene): Promise<DriverView[]> {
  const views: DriverView[] = JSON.parse(await scene.ask('conet driver list --json'))
  return views
}

export async function statusView(scene: Scene): Promise<StatusView> {
  const view: StatusView = JSON.parse(await scene.ask('conet status --json'))
  return view
}

/** The addresses that endpoints of the network hold. */
export async function usedAddresses(scene: Scene, network: string): Promise<number> {
  const { subnets } = await networkView(scene, network)
  return subnets.reduce((sum, { used }) => sum + used, 0)
}
