// Where what is, in the shared store. The version is that of the layout: another layout begins anew below its own.

const root = '/conet/v1/'

export const keys = {
  networks: `${root}networks/`,
  network: (id: string) => `${root}networks/${id}`,
  /** The id of the network that has the name. */
  name: (name: string) => `${root}names/${name}`,
  /** The id of the network that has the virtual network identifier. */
  vni: (vni: number) => `${root}vnis/${vni}`,

  nodes: `${root}nodes/`,
  node: (node: string) => `${root}nodes/${node}`,
  /** There for as long as the node keeps its lease. */
  alive: `${root}alive/`,
  aliveNode: (node: string) => `${root}alive/${node}`,

  /** Which nodes hold something of a network: it is not deleted while there is one. */
  holders: (networkId: string) => `${root}holders/${networkId}/`,
  holder: (networkId: string, node: string) => `${root}holders/${networkId}/${node}`,

  /** Which node hands out the addresses of a block; the block's first address names it. */
  blocks: (networkId: string) => `${root}blocks/${networkId}/`,
  block: (networkId: string, block: string) => `${root}blocks/${networkId}/${block}`,

  /** The endpoints of a network, each below its node. */
  members: (networkId: string) => `${root}members/${networkId}/`,
  membersOf: (networkId: string, node: string) => `${root}members/${networkId}/${node}/`,
  member: (networkId: string, node: string, endpointId: string) =>
    `${root}members/${networkId}/${node}/${endpointId}`,
} as const
