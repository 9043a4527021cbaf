import { createLogger } from '../../src/observability/logger.js';
import { installTemporalLogger } from '../../src/temporal/connection.js';

/** Warnings of the SDK are expected where tests misbehave on purpose; errors are not. */
installTemporalLogger(createLogger('error'));
