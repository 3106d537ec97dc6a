/** What platforms set in the environment whose disk is gone after a restart, and is not shared by instances. */
const VARIABLES: readonly (readonly [variable: string, platform: string])[] = [
  ['K_SERVICE', 'Google Cloud Run'],
  ['CLOUD_RUN_JOB', 'Google Cloud Run'],
  ['GAE_SERVICE', 'Google App Engine'],
  ['AWS_LAMBDA_FUNCTION_NAME', 'AWS Lambda'],
  ['ECS_CONTAINER_METADATA_URI_V4', 'Amazon ECS'],
  ['FUNCTIONS_WORKER_RUNTIME', 'Azure Functions'],
  ['CONTAINER_APP_NAME', 'Azure Container Apps'],
  ['DYNO', 'Heroku'],
  ['VERCEL', 'Vercel'],
  ['NETLIFY', 'Netlify'],
  ['RENDER', 'Render'],
  ['FLY_APP_NAME', 'Fly.io'],
  ['RAILWAY_ENVIRONMENT_ID', 'Railway'],
  // Last: some of the others run on it.
  ['KUBERNETES_SERVICE_HOST', 'Kubernetes'],
];

/** The platform without a lasting disk that runs this process, with the variable that says so; undefined elsewhere. */
export function detectHosting(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const found = VARIABLES.find(([variable]) => (environment[variable] ?? '') !== '');
  return found && `${found[1]} (${found[0]} is set)`;
}
