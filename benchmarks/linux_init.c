/*
 * /init of the peer of unikernel.py: loads the modules of the network card, gives it the address that QEMU's network
 * has for it, and becomes Python. It does no more than has to be done, and no DHCP: what is compared is the rest.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const modules[] = {
    "virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "failover", "net_failover",
    "virtio_net",
};

static void address(struct sockaddr *to, const char *text) {
    struct sockaddr_in *in = (struct sockaddr_in *)to;
    in->sin_family = AF_INET;
    inet_pton(AF_INET, text, &in->sin_addr);
}

static void bring_up(int control, const char *name, const char *own, const char *mask) {
    struct ifreq request = {0};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    address(&request.ifr_addr, own);
    ioctl(control, SIOCSIFADDR, &request);
    address(&request.ifr_netmask, mask);
    ioctl(control, SIOCSIFNETMASK, &request);
    ioctl(control, SIOCGIFFLAGS, &request);
    request.ifr_flags |= IFF_UP | IFF_RUNNING;
    if (ioctl(control, SIOCSIFFLAGS, &request) != 0)
        perror(name);
}

int main(void) {
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        char path[64];
        snprintf(path, sizeof path, "/modules/%s.ko", modules[i]);
        int file = open(path, O_RDONLY);
        if (syscall(SYS_finit_module, file, "", 0) != 0)
            perror(path);
        close(file);
    }
    int control = socket(AF_INET, SOCK_DGRAM, 0);
    bring_up(control, "lo", "127.0.0.1", "255.0.0.0");
    bring_up(control, "eth0", "10.0.2.15", "255.255.255.0");
    struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
    address(&route.rt_dst, "0.0.0.0");
    address(&route.rt_genmask, "0.0.0.0");
    address(&route.rt_gateway, "10.0.2.2");
    ioctl(control, SIOCADDRT, &route);
    char *words[] = {"/usr/bin/python3.11", "-S", "-P", "/www", "--port=80", NULL};
    char *variables[] = {"PYTHONPATH=/packages", "PYTHONUNBUFFERED=1", NULL};
    execve(words[0], words, variables);
    perror(words[0]);
    return 1;
}
