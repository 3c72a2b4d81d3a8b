/* A stand-in for NVIDIA's management library: the functions that the agent calls, with the structures of nvml.h (CUDA 12.4 and
 * later). What it answers is chosen when it is compiled. */

#include <string.h>

#ifndef FEATURE
#define FEATURE 1 /* ccFeature */
#endif
#ifndef DEVTOOLS
#define DEVTOOLS 0
#endif
#ifndef MULTI_GPU
#define MULTI_GPU 0 /* 1: Protected PCIe */
#endif
#ifndef COUNT
#define COUNT 2
#endif
#ifndef ARCHITECTURE
#define ARCHITECTURE 9 /* Hopper */
#endif
#ifndef REPORT_SIZE
#define REPORT_SIZE 69
#endif
#ifndef CHAIN_SIZE
#define CHAIN_SIZE 40
#endif
#ifndef INIT
#define INIT 0
#endif

typedef struct { unsigned environment, cc_feature, devtools; } system_state;
typedef struct { unsigned version, environment, cc_feature, devtools, multi_gpu; } system_settings;
typedef struct {
    unsigned cec_present, report_size, cec_report_size;
    unsigned char nonce[32], report[8192], cec_report[4096];
} attestation_report;
typedef struct {
    unsigned chain_size, attestation_chain_size;
    unsigned char chain[4096], attestation_chain[5120];
} gpu_certificate;

static int initialised;
static char devices[64];

unsigned nvmlInit_v2(void) {
    initialised += INIT == 0;
    return INIT;
}

unsigned nvmlShutdown(void) {
    initialised -= 1;
    return 0;
}

const char *nvmlErrorString(unsigned code) {
    return code == 3 ? "Not Supported" : code == 9 ? "Driver Not Loaded" : "Uninitialized or Unknown Error";
}

unsigned nvmlDeviceGetCount_v2(unsigned *count) {
    *count = COUNT;
    return initialised > 0 ? 0 : 1;
}

unsigned nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    if (initialised < 1 || index >= COUNT || index >= sizeof devices)
        return 2;
    *device = &devices[index];
    return 0;
}

unsigned nvmlDeviceGetArchitecture(void *device, unsigned *architecture) {
    (void)device;
    *architecture = ARCHITECTURE;
    return 0;
}

unsigned nvmlSystemGetConfComputeState(system_state *state) {
#ifdef OLD
    (void)state;
    return 3;
#else
    state->environment = 2;
    state->cc_feature = FEATURE;
    state->devtools = DEVTOOLS;
    return initialised > 0 ? 0 : 1;
#endif
}

unsigned nvmlSystemGetConfComputeSettings(system_settings *settings) {
    if (settings->version != (sizeof *settings | 1 << 24))
        return 25; /* argument version mismatch */
    settings->multi_gpu = MULTI_GPU;
    return 0;
}

unsigned nvmlSystemGetConfComputeGpusReadyState(unsigned *accepting) {
    *accepting = 1;
    return 0;
}

/* The request (11 e0 01 ff, the nonce, a slot) and a response that names the device. */
unsigned nvmlDeviceGetConfComputeGpuAttestationReport(void *device, attestation_report *report) {
    static const unsigned char request[] = { 0x11, 0xe0, 0x01, 0xff };
    memset(report->report, 0, sizeof report->report);
    memcpy(report->report, request, sizeof request);
    memcpy(report->report + 4, report->nonce, sizeof report->nonce);
    report->report[37] = 0x11;
    report->report[38] = (unsigned char)((char *)device - devices);
    report->report_size = REPORT_SIZE;
    return initialised > 0 ? 0 : 1;
}

#ifndef NO_CERTIFICATE
unsigned nvmlDeviceGetConfComputeGpuCertificate(void *device, gpu_certificate *certificate) {
    (void)device;
    memset(certificate->attestation_chain, 'A', sizeof certificate->attestation_chain);
    memcpy(certificate->attestation_chain, "-----BEGIN CERTIFICATE-----\n", 28);
    certificate->attestation_chain_size = CHAIN_SIZE;
    return initialised > 0 ? 0 : 1;
}
#endif
