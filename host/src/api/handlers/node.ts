// The hosts of the cluster.
import type { Handlers } from './handler.ts'

export const nodeHandlers: Pick<Handlers, 'listNodes' | 'getNode' | 'removeNode' | 'fenceNode'> = {
  async listNodes({ nodes }) {
    return { status: 200, body: { nodes: [...(await nodes.list())] } }
  },

  async getNode({ nodes }, { parameters }) {
    return { status: 200, body: await nodes.get(parameters.node) }
  },

  async removeNode({ nodes }, { parameters }) {
    await nodes.remove(parameters.node)
    return { status: 200, body: {} }
  },

  async fenceNode({ nodes }, { parameters }) {
    await nodes.removeFenced(parameters.node)
    return { status: 200, body: {} }
  },
}
