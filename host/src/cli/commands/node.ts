// conet node list, inspect, rm.
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { forEachName, inspectEach } from '../several.ts'
import { nodePage, nodeTable } from '../show/node.ts'
import {
  addListOptions,
  addShowOptions,
  detailOf,
  type ListOptions,
  type ShowOptions,
} from './read-options.ts'

export function addNodeCommands(node: Command, context: CommandContext): void {
  addListOptions(node.command('list').alias('ls').summary('list the hosts of the cluster'))
    .description(
      'List the hosts of the cluster: whether they live, their underlay addresses, what they have. Without a cluster there is this host alone.',
    )
    .addHelpText('after', '\nExample:\n  $ conet node list')
    .action(async (options: ListOptions) => {
      const { nodes } = await context.withClient((client, call) => client.listNodes(call))
      if (options.json) context.json(nodes)
      else if (options.quiet) for (const { name } of nodes) context.line(name)
      else context.terminal.out(nodeTable(nodes))
    })
  addInspect(node, context)
  addRemove(node, context)
}

function addInspect(node: Command, context: CommandContext): void {
  addShowOptions(node.command('inspect').summary('show hosts with what they have of each network'))
    .description(
      'Show hosts of the cluster with the endpoints and blocks of addresses that they have of each network.',
    )
    .argument('<node...>')
    .addHelpText('after', '\nExample:\n  $ conet node inspect web1')
    .action((nodes: string[], options: ShowOptions) =>
      context.withClient((client, call) =>
        inspectEach(context, nodes, {
          json: options.json === true,
          fetch: (name) => client.getNode(name, call),
          page: (found) => nodePage(found, detailOf(options)),
        }),
      ),
    )
}

function addRemove(node: Command, context: CommandContext): void {
  node
    .command('rm')
    .summary('remove hosts that do not come back')
    .description(
      'Remove hosts that do not come back. Without --fenced their addresses and endpoints stay in quarantine, since a host that is only cut off may still use them.',
    )
    .argument('<node...>')
    .option('--fenced', 'my word that it cannot come back by itself: free its addresses and endpoints')
    .addHelpText('after', '\nExample:\n  $ conet node rm web1 --fenced')
    .action((nodes: string[], { fenced }: { fenced?: boolean }) =>
      context.withClient((client, call) =>
        forEachName(context, nodes, async (name) => {
          if (fenced) await client.fenceNode(name, call)
          else await client.removeNode(name, call)
          context.line(name)
          if (!fenced)
            context.note(`${name} is in quarantine: its addresses are free after conet node rm --fenced`)
        }),
      ),
    )
}
