// A Garden whose network plugin is conet-guardian: conetd with a default network, and a process that waits to be plugged.
import { ConetdFixture } from './conetd-fixture.ts'
import { ContainerInit, Guardian } from './shims.ts'

const config = {
  default_attachment: { name: 'garden', type: 'bridge', subnets: [{ subnet: '10.95.0.0/24' }] },
  dns: { servers: ['10.95.0.53'], search: ['apps.internal'] },
  external_address: '192.0.2.10',
}

export class GuardianScene implements AsyncDisposable {
  readonly fixture: ConetdFixture
  readonly guardian: Guardian
  readonly init: ContainerInit

  private constructor(fixture: ConetdFixture, init: ContainerInit) {
    this.fixture = fixture
    this.guardian = new Guardian(fixture.conetd.socket)
    this.init = init
  }

  static async start(): Promise<GuardianScene> {
    const fixture = await ConetdFixture.start({ drivers: ['bridge', 'null'], config })
    return new GuardianScene(fixture, await ContainerInit.start())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.init.end()
    await this.fixture[Symbol.asyncDispose]()
  }
}
