// conet net create, list, inspect, rm.
import type { CreateNetworkBody, NetworkView, SubnetRequest } from '@conet/sdk/client'
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { parseDocument } from '../options/document.ts'
import { collectPair, documentOf, recordOf } from '../options/key-value.ts'
import { collectSubnet } from '../options/subnet.ts'
import { forEachName, inspectEach } from '../several.ts'
import { networkPage, networkTable } from '../show/network.ts'
import { shownId } from '../show/short-id.ts'
import {
  addListOptions,
  addShowOptions,
  detailOf,
  type ListOptions,
  type ShowOptions,
} from './read-options.ts'

type CreateOptions = {
  driver?: string
  label?: [string, string][]
  subnet?: SubnetRequest[]
  ipv6?: boolean
  internal?: boolean
  config?: Record<string, unknown>
  opt?: [string, string][]
  defaultPolicy?: Record<string, unknown>
}

export function addNetworkCommands(net: Command, context: CommandContext): void {
  addCreate(net, context)
  addList(net, context)
  addInspect(net, context)
  addRemove(net, context)
}

function addCreate(net: Command, context: CommandContext): void {
  const create = net.command('create')
  context.flagsFor(create, {
    type: ['--driver'],
    labels: ['--label'],
    subnets: ['--subnet'],
    config: ['--config', '--opt'],
    default_policy: ['--default-policy'],
  })
  create
    .summary('create a network, print its id')
    .description('Create a network and print its id. Without a NAME the host makes one up.')
    .argument('[name]')
    .option('-d, --driver <name>', 'the driver that makes it (conet driver list), required')
    .option('--label <key=value>', 'a label, repeatable', collectPair)
    .option(
      '--subnet <subnet>',
      'SUBNET[,gateway=ADDRESS][,range=RANGE][,exclude=ADDRESS]…, repeatable; gateway=none: no way out. Default: a free one of the default pools',
      collectSubnet,
    )
    .option('--ipv6', 'also take an IPv6 subnet from the default pools')
    .option('--internal', 'members reach each other and nothing else')
    .option('--config <json>', 'the driver’s document, as JSON or as @file', parseDocument)
    .option(
      '--default-policy <json>',
      'for containers without a policy of their own, as JSON or as @file',
      parseDocument,
    )
    .option('-o, --opt <key=value>', 'one member of the driver’s document, repeatable', collectPair)
    .addHelpText(
      'after',
      '\nExample:\n  $ conet net create web --driver bridge --subnet 10.99.0.0/16,gateway=10.99.0.1 -o mtu=1400',
    )
    .action(async (name: string | undefined, options: CreateOptions, command: Command) => {
      // Not a requiredOption: that would be missed before a misspelt `--drivr` is noticed.
      const { driver } = options
      if (driver === undefined)
        return command.error('error: --driver is missing (conet driver list shows them)')
      const body = createBody({ ...options, name, driver })
      const network = await context.withClient((client, call) => client.createNetwork(body, call))
      context.line(network.id)
    })
}

function createBody(wishes: CreateOptions & { name: string | undefined; driver: string }): CreateNetworkBody {
  const { name, driver, label, subnet, ipv6, internal, config, opt, defaultPolicy } = wishes
  return {
    ...(name === undefined ? { generate_name: true } : { name }),
    type: driver,
    ...(label === undefined ? {} : { labels: recordOf(label) }),
    ...(subnet === undefined ? {} : { subnets: subnet }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(internal === undefined ? {} : { internal }),
    ...(defaultPolicy === undefined ? {} : { default_policy: defaultPolicy }),
    ...(config === undefined && opt === undefined ? {} : { config: { ...config, ...documentOf(opt ?? []) } }),
  }
}

function addList(net: Command, context: CommandContext): void {
  addListOptions(net.command('list').alias('ls').summary('list networks'))
    .description('List networks, oldest first.')
    .addHelpText('after', '\nExample:\n  $ conet net list --no-trunc')
    .action(async (options: ListOptions) => {
      const { networks } = await context.withClient((client, call) => client.listNetworks(call))
      const detail = detailOf(options)
      if (options.json) context.json(networks)
      else if (options.quiet) for (const { id } of networks) context.line(shownId(id, detail))
      else context.terminal.out(networkTable(networks, detail))
    })
}

function addInspect(net: Command, context: CommandContext): void {
  addShowOptions(net.command('inspect').summary('show networks with their containers and interfaces'))
    .description('Show networks, by id, unambiguous prefix of it, or name.')
    .argument('<network...>')
    .addHelpText('after', '\nExample:\n  $ conet net inspect web\n  $ conet net inspect web --json')
    .action((networks: string[], options: ShowOptions) =>
      context.withClient(async (client, call) => {
        let listed: ReturnType<typeof client.listContainers> | undefined
        const fetch = (name: string) => client.getNetwork(name, call)
        const page = async (network: NetworkView) => {
          listed ??= client.listContainers(call)
          return networkPage(network, (await listed).containers, detailOf(options))
        }
        await inspectEach(context, networks, { json: options.json === true, fetch, page })
      }),
    )
}

function addRemove(net: Command, context: CommandContext): void {
  net
    .command('rm')
    .summary('delete networks')
    .description('Delete networks that have no endpoints, by id, unambiguous prefix of it, or name.')
    .argument('<network...>')
    .option('--forget', 'their driver is gone for good: what it made of them stays in the kernel')
    .addHelpText('after', '\nExample:\n  $ conet net rm web')
    .action((networks: string[], { forget = false }: { forget?: boolean }) =>
      context.withClient((client, call) =>
        forEachName(context, networks, async (name) => {
          if (!forget) return context.removed(name, await client.deleteNetwork(name, call))
          await client.forgetNetwork(name, call)
          context.line(name)
          context.note(`${name} is forgotten: what its driver made of it stays until that driver is back`)
        }),
      ),
    )
}
