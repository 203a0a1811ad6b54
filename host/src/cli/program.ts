// The command line as a tree of commands. What each does, its file under commands/ says.
import { Command } from 'commander'
import { CommandContext, type GlobalOptions } from './command-context.ts'
import { addContainerCommands } from './commands/container.ts'
import { addContainerRunCommands } from './commands/container-run.ts'
import { addDriverCommands } from './commands/driver.ts'
import { addHelpCommand } from './commands/help.ts'
import { addHostCommands } from './commands/host.ts'
import { addNetworkCommands } from './commands/network.ts'
import { addNodeCommands } from './commands/node.ts'
import { addPlugCommands } from './commands/plug.ts'
import { addContainerPolicyCommands, addDefaultPolicyCommand } from './commands/policy.ts'
import { addPoolCommands } from './commands/pool.ts'
import { addReconcile } from './commands/reconcile.ts'
import { parseSeconds } from './options/whole-number.ts'
import type { Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'
import { version } from './version.ts'

export type Program = { readonly root: Command; readonly context: CommandContext }

export function buildProgram(terminal: Terminal): Program {
  const root = rootCommand(terminal)
  const context = new CommandContext(terminal, () => root.opts<GlobalOptions>())

  const net = group(root, 'net', 'Networks, and plugging containers into them.')
  net.alias('network').addHelpText('after', '\nExample:\n  $ conet net list')
  addNetworkCommands(net, context)
  addPlugCommands(net, context)
  addDefaultPolicyCommand(net, context)
  context.hintFor(net, ['conet net list'])

  const container = group(root, 'container', 'Containers: what the host plugs.')
  container.addHelpText('after', '\nExample:\n  $ conet container create c1 --network web')
  addContainerCommands(container, context)
  addContainerRunCommands(container, context)
  addContainerPolicyCommands(container, context)
  context.hintFor(container, ['conet container list'])

  const driver = group(root, 'driver', 'Drivers: the programs that make networks.')
  driver.addHelpText('after', '\nExample:\n  $ conet driver list')
  addDriverCommands(driver, context)
  context.hintFor(driver, ['conet driver list'])

  const node = group(root, 'node', 'Nodes: the hosts of the cluster.')
  node.addHelpText('after', '\nExample:\n  $ conet node list')
  addNodeCommands(node, context)
  context.hintFor(node, ['conet node list'])

  const pool = group(root, 'pool', 'Pools: where subnets, addresses and ports come from.')
  pool.addHelpText('after', '\nExample:\n  $ conet pool list')
  addPoolCommands(pool, context)

  addHostCommands(root, context)
  addReconcile(root, context)
  addHelpCommand(root, context)
  root.hook('preAction', (_root, command) => context.begins(command))
  throwInsteadOfExit(root)
  return { root, context }
}

function rootCommand(terminal: Terminal): Command {
  return new Command('conet')
    .description('Plug containers into networks: talks to conetd over its UNIX socket.')
    .option('--socket <path>', 'conetd’s socket (CONET_SOCKET; default /run/conet/conetd.sock)')
    .option(
      '--runtime-socket <path>',
      'the container runtime’s socket, for container up, down and odd handles (CONET_RUNTIME_SOCKET; default beside the other)',
    )
    .option('--timeout <seconds>', 'how long to wait for an answer (default 60)', parseSeconds)
    .version(version, '-V, --version', 'write the version')
    .helpOption('-h, --help', 'explain the command')
    .helpCommand(false)
    .addHelpText(
      'after',
      '\nExample:\n  $ conet net create web --driver bridge\n  $ conet net plug c1 web\n\nconet help exit-codes explains the exit codes.',
    )
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
      // Usage errors are written in one form with all others.
      outputError: () => {},
      getOutHelpWidth: () => terminal.columns ?? 100,
      getErrHelpWidth: () => terminal.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
}

function group(root: Command, name: string, description: string): Command {
  return root.command(name).description(description).helpCommand(false)
}

function throwInsteadOfExit(command: Command): void {
  command.exitOverride((error) => {
    throw new UsageError(error, command)
  })
  for (const child of command.commands) throwInsteadOfExit(child)
}
