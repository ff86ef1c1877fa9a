//! Nodes in network namespaces, so that packets between any two of them can be dropped.
//!
//! The namespaces hang on a bridge in a namespace of its own, the hub, where no rule of this machine's firewall applies.
//! One more cable leads from the hub to the tests. So tests reach every node, whatever the nodes can't reach.

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

/// Subnets 10.77.x.0/24; as many clusters can run at once.
const SUBNETS: std::ops::RangeInclusive<u8> = 1..=250;
/// The tests' end of the cable.
const HOST: u8 = 254;
const TOOLS: [&str; 2] = ["ip", "iptables"];

/// What keeps this machine from having namespaces; none if it can.
pub fn missing() -> Option<String> {
    let works = |tool: &str| run(Command::new(tool).arg("-V")).is_ok();
    if let Some(tool) = TOOLS.into_iter().find(|tool| !works(tool)) {
        return Some(format!("`{tool}` can't be run: install the packages iproute2 and iptables"));
    }
    let why = Namespaces::claim().and_then(|mut network| {
        network.add(0)?;
        network.add(1)?;
        network.drop_from(0, 1)
    });
    why.err()
        .map(|why| format!("network namespaces need root and a Linux kernel with veth and bridges: {why}"))
}

/// The namespaces of one cluster. Dropping it removes them.
pub(super) struct Namespaces {
    subnet: u8,
    nodes: Vec<usize>,
}

impl Namespaces {
    /// A subnet that no other cluster uses, with its hub.
    pub(super) fn claim() -> Result<Namespaces, String> {
        let mut why = String::new();
        for subnet in SUBNETS {
            remove_if_abandoned(subnet);
            // A namespace of one name is made once: that is the claim.
            match ip(&["netns", "add", &hub(subnet)]) {
                Ok(()) => {
                    let network = Namespaces { subnet, nodes: Vec::new() };
                    return network.connect_hub().map(|()| network);
                }
                Err(failure) if failure.contains("exists") => why = failure,
                Err(failure) => return Err(failure),
            }
        }
        Err(why)
    }

    fn connect_hub(&self) -> Result<(), String> {
        let (hub, cable) = (hub(self.subnet), cable(self.subnet));
        ip(&["-n", &hub, "link", "add", "name", "bridge", "type", "bridge"])?;
        ip(&["-n", &hub, "link", "set", "bridge", "up"])?;
        ip(&["link", "add", &cable, "type", "veth", "peer", "name", "tests", "netns", &hub])?;
        ip(&["link", "set", "dev", &cable, "alias", &format!("{OWNER}{}", std::process::id())])?;
        ip(&["-n", &hub, "link", "set", "tests", "master", "bridge", "up"])?;
        ip(&["addr", "add", &format!("{}/24", address(self.subnet, HOST)), "dev", &cable])?;
        ip(&["link", "set", &cable, "up"])
    }

    /// Makes the namespace of a node.
    pub(super) fn add(&mut self, index: usize) -> Result<(), String> {
        let (hub, name, port) = (hub(self.subnet), self.name(index), format!("node{index}"));
        ip(&["netns", "add", &name])?;
        self.nodes.push(index);
        ip(&["-n", &name, "link", "add", "eth0", "type", "veth", "peer", "name", &port, "netns", &hub])?;
        ip(&["-n", &hub, "link", "set", &port, "master", "bridge", "up"])?;
        ip(&["-n", &name, "addr", "add", &format!("{}/24", self.ip(index)), "dev", "eth0"])?;
        ip(&["-n", &name, "link", "set", "lo", "up"])?;
        ip(&["-n", &name, "link", "set", "eth0", "up"])
    }

    pub(super) fn ip(&self, index: usize) -> Ipv4Addr {
        address(self.subnet, u8::try_from(index + 1).expect("a small cluster"))
    }

    pub(super) fn name(&self, index: usize) -> String {
        format!("esker{}n{index}", self.subnet)
    }

    /// Drops what node `from` sends to node `to`, silently, as a broken network does.
    pub(super) fn cut(&self, from: usize, to: usize) {
        self.drop_from(from, to).unwrap_or_else(|why| panic!("{why}"));
    }

    fn drop_from(&self, from: usize, to: usize) -> Result<(), String> {
        self.iptables(to, &["-A", "INPUT", "-s", &self.ip(from).to_string(), "-j", "DROP"])
    }

    /// Node `index` gets everything again.
    pub(super) fn heal(&self, index: usize) {
        self.iptables(index, &["-F", "INPUT"]).unwrap_or_else(|why| panic!("{why}"));
    }

    fn iptables(&self, index: usize, args: &[&str]) -> Result<(), String> {
        run(Command::new("ip").args(["netns", "exec", &self.name(index), "iptables", "-w"]).args(args))
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        // The hub goes last: its name is the claim of the subnet. What can't be removed is removed by the next claim.
        let nodes = self.nodes.iter().map(|index| self.name(*index));
        for name in nodes.chain([hub(self.subnet)]) {
            let _ = ip(&["netns", "delete", &name]);
        }
        let _ = ip(&["link", "delete", &cable(self.subnet)]);
    }
}

/// What the alias of a cable says before the id of the process that made it.
const OWNER: &str = "esker tests, process ";

/// Removes the namespaces of a process that was killed.
fn remove_if_abandoned(subnet: u8) {
    let alias = std::fs::read_to_string(format!("/sys/class/net/{}/ifalias", cable(subnet)));
    let owner = alias.ok().and_then(|alias| alias.trim().strip_prefix(OWNER)?.parse::<u32>().ok());
    let Some(owner) = owner else { return };
    if !std::path::Path::new(&format!("/proc/{owner}")).exists() {
        let nodes = (0..usize::from(HOST)).take_while(|index| {
            let name = format!("esker{subnet}n{index}");
            std::path::Path::new("/run/netns").join(name).exists()
        });
        drop(Namespaces { subnet, nodes: nodes.collect() });
    }
}

fn hub(subnet: u8) -> String {
    format!("esker{subnet}hub")
}

fn cable(subnet: u8) -> String {
    format!("esker{subnet}")
}

fn address(subnet: u8, host: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, subnet, host)
}

fn ip(args: &[&str]) -> Result<(), String> {
    run(Command::new("ip").args(args))
}

/// Runs a command to its end. The error is what it says.
fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{command:?}").replace('"', "");
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{shown}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("{shown}: {}", String::from_utf8_lossy(&output.stderr).trim())),
    }
}
