// The command line of conetd.
import { Command, CommanderError } from 'commander'
import type { Flags } from './config-sources.ts'

export type Arguments =
  | { readonly action: 'serve' | 'stopDrivers'; readonly flags: Flags }
  /** Help or the version was printed, or what is wrong with the arguments. */
  | { readonly action: 'exit'; readonly code: number }

export type Output = { out(text: string): void; err(text: string): void }

const after = `
Each flag but --config, --stop-drivers and --help can also be given in the environment (CONET_SOCKET, CONET_SPAWN, …)
or in the configuration file, whose schema is host/config.schema.json. Flags win over the environment, and that wins
over the file.

Example:
  conetd --spawn bridge
  conetd --spawn vxlan --cluster etcd://10.0.0.1 --node host1 --underlay-address 10.0.0.1

Exit codes: 0 it was told to stop; 1 it could not start or failed; 2 wrong arguments or configuration.`

export function parseArguments(argv: readonly string[], version: string, output: Output): Arguments {
  const command = withClusterOptions(withOptions(new Command('conetd')))
    .option('--config <file>', 'read settings from this JSON file (CONET_CONFIG)')
    .option('--log-level <level>', 'debug, info, warn, error or silent (default: info)')
    .option('--stop-drivers', 'end the drivers that a conetd of this run directory started, and exit')
    .version(version)
    .addHelpText('after', after)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.out(text),
      writeErr: (text) => output.err(text),
      outputError: (text) => output.err(`conetd: ${oneLine(text)}\ntry: conetd --help\n`),
    })
  try {
    command.parse([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return { action: 'exit', code: error.exitCode === 0 ? 0 : 2 }
  }
  const { stopDrivers, ...flags } = command.opts<Flags & { stopDrivers?: boolean }>()
  return { action: stopDrivers === true ? 'stopDrivers' : 'serve', flags }
}

function withOptions(command: Command): Command {
  return command
    .description('The plugin host for container networking.')
    .option('--socket <path>', 'listen here for clients (default: conetd.sock in the run directory)')
    .option(
      '--runtime-socket <path>',
      'listen here for container runtimes (default: X.sock → X.runtime.sock)',
    )
    .option('--driver-dir <path>', 'where drivers put their sockets (default: drivers in the run directory)')
    .option('--run-dir <path>', 'for what ends with a reboot (default: /run/conet)')
    .option('--state-dir <path>', 'for what outlives a reboot (default: /var/lib/conet)')
    .option(
      '--spawn <names>',
      'start these drivers (conet-driver-NAME) and keep them running: bridge,vxlan,null',
    )
}

function withClusterOptions(command: Command): Command {
  return command
    .option('--cluster <store>', 'take part in the cluster whose store is there: etcd://ADDRESS[:PORT][,…]')
    .option('--node <name>', 'this host’s name in the cluster (default: its hostname)')
    .option('--underlay-address <address>', 'this host’s own address, to which tunnels of other hosts lead')
    .option('--cluster-ca <file>', 'authorities that etcd’s certificate may be signed by; TLS, as etcds://')
    .option('--cluster-cert <file>', 'the certificate that this host shows to etcd')
    .option('--cluster-key <file>', 'the key of that certificate')
    .option(
      '--cluster-insecure-skip-tls-verify',
      'whoever answers is taken for etcd, whatever certificate it shows; TLS, as etcds://; for tests',
    )
    .option('--cluster-user <name[:password]>', 'the user of etcd; a password here is seen by all (ps)')
    .option('--cluster-password-file <file>', 'a file with the password of that user')
    .option(
      '--cluster-block-bits <bits>',
      'the most addresses that a host takes at once, as a power of two (default: 6)',
    )
}

/** commander puts the nearest known word on a line of its own. */
function oneLine(message: string): string {
  return message
    .replace(/^error: /, '')
    .trimEnd()
    .replaceAll('\n', ' ')
}
