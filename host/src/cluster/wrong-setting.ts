// What is wrong with the settings of a cluster.
import { ConetError } from '@conet/sdk'

export function wrongSetting(key: string, message: string): ConetError {
  const path = `cluster.${key}`
  return new ConetError('invalidArgument', `cluster: ${path} (${flagOf(key)}) ${message}`, {
    fields: [{ path, message }],
    help: 'docs/operating.md, section "A cluster", has all that is needed',
  })
}

function flagOf(key: string): string {
  if (key === 'store') return '--cluster'
  const flag = `--${key.replaceAll('_', '-')}`
  return ['--node', '--underlay-address'].includes(flag) ? flag : `--cluster-${flag.slice(2)}`
}
