import { fileURLToPath } from 'node:url';
import { delimiter, dirname, join } from 'node:path';
import { run, type Finished } from './control-plane-process.js';

const BUILD = fileURLToPath(new URL('../controlplane/build.mjs', import.meta.url));

/** Where the programs are, as test/controlplane/build.mjs finds them; null for what is absent. */
export interface ControlPlanePrograms {
  readonly etcd: string | null;
  readonly kubeApiserver: string | null;
  readonly kubeControllerManager: string | null;
  readonly kubectl: string | null;
  readonly helm: string | null;
}

/** Asks test/controlplane/build.mjs what can be used now; builds nothing. */
export async function findPrograms(): Promise<ControlPlanePrograms> {
  const { stdout, stderr, code } = await run(process.execPath, [BUILD, '--where']);
  if (code !== 0) throw new Error(`cannot tell where the control plane's programs are: ${stderr}`);
  return JSON.parse(stdout) as ControlPlanePrograms;
}

/** As whom, and for how long, kubectl or helm is run. */
export interface ToolOptions {
  /** Standard input, for `-f -`. */
  readonly stdin?: string;
  /** Path; the admin's if not given. */
  readonly kubeconfig?: string;
  readonly deadlineMs?: number;
}

/**
 * Runs kubectl and helm with a home of their own, so that the machine's settings, plugins and
 * caches play no part.
 */
export class ControlPlaneTools {
  readonly #programs: ControlPlanePrograms;
  readonly #home: string;
  readonly #adminKubeconfig: string;

  constructor(programs: ControlPlanePrograms, home: string, adminKubeconfig: string) {
    this.#programs = programs;
    this.#home = home;
    this.#adminKubeconfig = adminKubeconfig;
  }

  async kubectl(args: readonly string[], options: ToolOptions = {}): Promise<Finished> {
    return this.#run('kubectl', this.#programs.kubectl, args, options);
  }

  async helm(args: readonly string[], options: ToolOptions = {}): Promise<Finished> {
    return this.#run('helm', this.#programs.helm, args, options);
  }

  /**
   * Runs a command line as a reader of the documentation would type it, in `cwd`, with this
   * cluster's kubectl and helm.
   */
  async shell(command: string, cwd: string, options: ToolOptions = {}): Promise<Finished> {
    const { kubectl, helm } = this.#programs;
    const folders = [kubectl, helm].flatMap((program) => (program === null ? [] : [dirname(program)]));
    const { stdin, kubeconfig = this.#adminKubeconfig, deadlineMs = 120_000 } = options;
    const env = this.#environment(kubeconfig);
    const path = [...new Set(folders), env['PATH'] ?? ''].join(delimiter);
    return run('sh', ['-euc', command], { env: { ...env, PATH: path }, cwd, stdin, deadlineMs });
  }

  async #run(name: string, program: string | null, args: readonly string[], options: ToolOptions): Promise<Finished> {
    if (program === null) throw new Error(`there is no ${name}: put one on PATH, or run \`npm run controlplane\``);
    const { stdin, kubeconfig = this.#adminKubeconfig, deadlineMs = 120_000 } = options;
    return run(program, args, { env: this.#environment(kubeconfig), stdin, deadlineMs });
  }

  #environment(kubeconfig: string): NodeJS.ProcessEnv {
    const inHome = (name: string): string => join(this.#home, name);
    return {
      ...process.env,
      HOME: this.#home,
      KUBECONFIG: kubeconfig,
      KUBECACHEDIR: inHome('kube-cache'),
      KUBERC: 'off',
      HELM_CACHE_HOME: inHome('helm-cache'),
      HELM_CONFIG_HOME: inHome('helm-config'),
      HELM_DATA_HOME: inHome('helm-data'),
    };
  }
}
