// Where what is, in the shared store. The version is that of the layout: another layout begins anew below its own.

export const root = '/conet/v1/'

export const keys = {
  /** Names this store, and is another one after it has lost something: so hosts that come back later learn it too. */
  generation: `${root}generation`,
  /** The generation in which a host has found out that the store has lost something: `awaiting` was put then. */
  loss: `${root}loss`,
  /** There while hosts may still put back what they have: nobody takes what may be theirs. Goes by itself. */
  awaiting: `${root}awaiting`,

  /**
   * How often a machine has noted that it wrote: it finds out by it that the store is an older copy. With the generation in
   * which it did: all that it has is put back there. Stays when it is removed.
   */
  progress: (identity: string) => `${root}progress/${identity}`,
  allProgress: `${root}progress/`,

  networks: `${root}networks/`,
  network: (id: string) => `${root}networks/${id}`,
  /** The id of the network that has the name. */
  name: (name: string) => `${root}names/${name}`,
  /** The id of the network to which a driver's number in each packet belongs. */
  segment: (type: string, segmentId: number) => `${root}segments/${type}/${segmentId}`,

  nodes: `${root}nodes/`,
  node: (node: string) => `${root}nodes/${node}`,
  /** There for as long as the node keeps its lease. */
  alive: `${root}alive/`,
  aliveNode: (node: string) => `${root}alive/${node}`,
  /** Left for a machine that was removed with `--fenced`: it finds out when it comes back. */
  removed: (identity: string) => `${root}removed/${identity}`,
  allRemoved: `${root}removed/`,

  /** Which nodes hold something of a network: it is not deleted while there is one. */
  holders: (networkId: string) => `${root}holders/${networkId}/`,
  holder: (networkId: string, node: string) => `${root}holders/${networkId}/${node}`,
  /** The same, for one who asks what a node holds. */
  holdings: `${root}held/`,
  heldBy: (node: string) => `${root}held/${node}/`,
  held: (node: string, networkId: string) => `${root}held/${node}/${networkId}`,

  /** Which node hands out the addresses of a block; the block's first address names it. */
  blocks: (networkId: string) => `${root}blocks/${networkId}/`,
  block: (networkId: string, block: string) => `${root}blocks/${networkId}/${block}`,

  /**
   * Subnets of which a node needs a block, and found none: whoever has an empty one gives it back. Among the blocks, so that
   * one watch has both.
   */
  wishesOf: (networkId: string, node: string) => `${root}blocks/${networkId}/wanted/${node}/`,
  wish: (networkId: string, node: string, subnetOrBlock: string) =>
    `${root}blocks/${networkId}/wanted/${node}/${subnetOrBlock}`,

  /** How many addresses containers of a node hold that are not plugged in. Among the blocks, for the same reason. */
  unplugged: (networkId: string, node: string) => `${root}blocks/${networkId}/unplugged/${node}`,

  /** Which node has a MAC that somebody asked for; those that follow from an address are its block's. */
  macs: (networkId: string) => `${root}macs/${networkId}/`,
  mac: (networkId: string, mac: string) => `${root}macs/${networkId}/${mac}`,

  /** The endpoints of a network, each below its node. */
  members: (networkId: string) => `${root}members/${networkId}/`,
  membersOf: (networkId: string, node: string) => `${root}members/${networkId}/${node}/`,
  member: (networkId: string, node: string, endpointId: string) =>
    `${root}members/${networkId}/${node}/${endpointId}`,
} as const
