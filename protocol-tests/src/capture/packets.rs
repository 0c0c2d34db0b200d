//! Packets out of pcap and pcapng files.

use std::io::Read;
use std::time::Duration;

use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, create_reader};

use super::flow::Flows;
use super::link;
use super::{BadFile, Item};
use crate::decode::Remark;

/// A packet as it was captured.
struct Packet<'a> {
    /// Since 1970.
    at: Duration,
    link: Linktype,
    data: &'a [u8],
}

/// What the file says about the packets that follow.
#[derive(Debug, Default)]
struct Context {
    /// Of a pcap file: its link type, and nanoseconds in a unit of its clock.
    classic: Option<(Linktype, u32)>,
    /// Of a pcapng section.
    interfaces: Vec<Interface>,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link: Linktype,
    /// Units of its clock in a second.
    resolution: u64,
    /// Seconds to add.
    offset: i64,
}

/// Reads all packets, and gives the connections that they make.
pub(super) fn read(file: impl Read + Send, sink: &mut dyn FnMut(Item)) -> Result<(), BadFile> {
    let mut reader = create_reader(MAX_BLOCK, file).map_err(|error| BadFile::Packets(words(&error)))?;
    let mut context = Context::default();
    let mut flows = Flows::default();
    let broken = loop {
        let used = match reader.next() {
            Ok((used, block)) => {
                match context.packet(&block) {
                    Ok(Some(packet)) => take(&packet, &mut flows, sink),
                    Ok(None) => {}
                    Err(fault) => sink(Item::Said(None, Remark::fault(fault))),
                }
                used
            }
            Err(PcapError::Eof) => break None,
            Err(PcapError::Incomplete(_)) => {
                reader.refill().map_err(|_| BadFile::Packets(UNREADABLE))?;
                continue;
            }
            Err(error) => break Some(words(&error)),
        };
        reader.consume(used);
    };
    flows.finish(sink);
    broken.map_or(Ok(()), |why| Err(BadFile::Packets(why)))
}

fn take(packet: &Packet<'_>, flows: &mut Flows, sink: &mut dyn FnMut(Item)) {
    match link::segment(packet.link, packet.data) {
        Ok(segment) => flows.take(packet.at, &segment, sink),
        Err(skipped) => flows.skip(skipped),
    }
}

impl Context {
    /// The packet in a block, if there is one.
    fn packet<'a>(&mut self, block: &'a PcapBlockOwned<'_>) -> Result<Option<Packet<'a>>, &'static str> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                let unit = if header.is_nanosecond_precision() { 1 } else { 1000 };
                self.classic = Some((header.network, unit));
                Ok(None)
            }
            PcapBlockOwned::Legacy(block) => {
                let (link, unit) = self.classic.ok_or("a packet stands before the header")?;
                let nanos = u64::from(block.ts_usec) * u64::from(unit);
                Ok(Some(Packet {
                    at: Duration::from_secs(block.ts_sec.into()) + Duration::from_nanos(nanos),
                    link,
                    data: block.data.get(..block.caplen as usize).unwrap_or(block.data),
                }))
            }
            PcapBlockOwned::NG(block) => self.block(block),
        }
    }

    fn block<'a>(&mut self, block: &'a Block<'_>) -> Result<Option<Packet<'a>>, &'static str> {
        match block {
            Block::SectionHeader(_) => self.interfaces.clear(),
            Block::InterfaceDescription(block) => {
                if self.interfaces.len() >= MAX_INTERFACES {
                    return Err("there are too many interfaces");
                }
                self.interfaces.push(Interface {
                    link: block.linktype,
                    resolution: resolution(block.if_tsresol),
                    offset: block.if_tsoffset,
                });
            }
            Block::EnhancedPacket(block) => {
                let interface = self.interfaces.get(block.if_id as usize);
                let interface = interface.ok_or("a packet is of an interface that is not described")?;
                let units = u64::from(block.ts_high) << 32 | u64::from(block.ts_low);
                return Ok(Some(Packet {
                    at: interface.time(units),
                    link: interface.link,
                    data: block.packet_data(),
                }));
            }
            Block::SimplePacket(block) => {
                let interface = self.interfaces.first();
                let interface = interface.ok_or("a packet is of an interface that is not described")?;
                let length = (block.origlen as usize).min(block.data.len());
                return Ok(Some(Packet {
                    at: Duration::ZERO,
                    link: interface.link,
                    data: block.data.get(..length).unwrap_or_default(),
                }));
            }
            _ => {}
        }
        Ok(None)
    }
}

impl Interface {
    fn time(&self, units: u64) -> Duration {
        let nanos = u128::from(units % self.resolution) * 1_000_000_000 / u128::from(self.resolution);
        let seconds = (units / self.resolution).saturating_add_signed(self.offset);
        Duration::new(seconds, u32::try_from(nanos).unwrap_or(0))
    }
}

/// The option if_tsresol: a power of ten, or of two with the highest bit.
fn resolution(option: u8) -> u64 {
    let power = u32::from(option & 0x7f);
    let units = match option & 0x80 {
        0 => 10_u64.checked_pow(power),
        _ => 2_u64.checked_pow(power),
    };
    units.unwrap_or(1_000_000)
}

fn words(error: &PcapError<&[u8]>) -> &'static str {
    match error {
        PcapError::Eof | PcapError::UnexpectedEof | PcapError::Incomplete(_) => {
            "the capture ends in the middle of a packet"
        }
        PcapError::BufferTooSmall => "a block is longer than 512 KiB",
        PcapError::ReadError => UNREADABLE,
        PcapError::HeaderNotRecognized => "this is neither pcap nor pcapng",
        PcapError::NomError(..) | PcapError::OwnedNomError(..) => "a block of the capture cannot be read",
    }
}

const UNREADABLE: &str = "the file cannot be read";
const MAX_BLOCK: usize = 512 << 10; // bytes; tools cut packets at 256 KiB
const MAX_INTERFACES: usize = 1024; // of a section
