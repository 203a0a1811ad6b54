// conet net plug, unplug.
import type { PlugBody } from '@conet/sdk/client'
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { eitherWay } from '../options/either-way.ts'
import { callAbout, parseHandle } from '../options/handle.ts'
import { collect, collectPair, documentOf } from '../options/key-value.ts'

type PlugOptions = {
  ip?: string[]
  mac?: string
  interface?: string
  name?: string
  defaultRoute?: boolean
  opt?: [string, string][]
}

export function addPlugCommands(net: Command, context: CommandContext): void {
  addPlug(net, context)
  addUnplug(net, context)
}

function addPlug(net: Command, context: CommandContext): void {
  const plug = net.command('plug')
  // Where it is the container that is not found, the error says so itself.
  context.hintFor(plug, ['conet net list'])
  context.flagsFor(plug, { addresses: ['--ip'], mac_address: ['--mac'], options: ['--opt'] })
  plug
    .summary('plug a container into a network, print the endpoint’s id')
    .description('Plug a container into a network, running or not, and print the id of the endpoint.')
    .argument('<handle>', 'the container', parseHandle)
    .argument('<network>', 'its id, an unambiguous prefix of it, or its name')
    .option(
      '--ip <address>',
      'the address on the network, repeatable; of a subnet of which none is named conet chooses one',
      collect,
    )
    .option('--mac <address>', 'the MAC address, such as 02:42:0a:63:00:07')
    .option(
      '--interface <name>',
      'the interface’s name in the container. Default: the first free ethN that no other attachment asks for',
    )
    .option('--name <name>', 'the attachment’s name. Default: the network’s')
  eitherWay(plug, 'default-route', {
    yes: 'the container’s default route goes this way',
    no: 'it does not, also where the container has no other',
  })
  plug
    .option('-o, --opt <key=value>', 'one member of the driver’s document, repeatable', collectPair)
    .addHelpText('after', '\nExample:\n  $ conet net plug c1 web --ip 10.99.0.7 --interface lan0')
    .action(async (handle: string, network: string, options: PlugOptions) => {
      const body = plugBody(network, options)
      const endpoint = await context.withClient((client, call) =>
        client.plug(handle, body, callAbout(handle, call)),
      )
      context.line(endpoint.id)
    })
}

function plugBody(network: string, options: PlugOptions): PlugBody {
  const { ip, mac, interface: interfaceName, name, defaultRoute, opt } = options
  return {
    network,
    ...(ip === undefined ? {} : { addresses: ip }),
    ...(mac === undefined ? {} : { mac_address: mac }),
    ...(interfaceName === undefined ? {} : { interface: interfaceName }),
    ...(name === undefined ? {} : { name }),
    ...(defaultRoute === undefined ? {} : { default_route: defaultRoute }),
    ...(opt === undefined ? {} : { options: documentOf(opt) }),
  }
}

function addUnplug(net: Command, context: CommandContext): void {
  const unplug = net.command('unplug')
  context.hintFor(unplug, ['conet container inspect HANDLE', 'conet container list'])
  unplug
    .summary('unplug an endpoint from a container')
    .description('Unplug an endpoint from a container, running or not. What is gone already is no failure.')
    .argument('<handle>', 'the container', parseHandle)
    .argument('<endpoint>', 'its id, or an unambiguous prefix of it')
    .addHelpText('after', '\nExample:\n  $ conet net unplug c1 5a624939c64c')
    .action(async (handle: string, endpoint: string) => {
      const removal = await context.withClient((client, call) =>
        client.unplug({ handle, endpoint }, callAbout(handle, call)),
      )
      context.removed(endpoint, removal)
    })
}
